"""What all listeners to Slack share: acknowledge, show the result, answer in private, note it as done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import issue_list, modals
from integrations.errors import IntegrationError, Transient
from integrations.ledger import Ledger
from integrations.slack import blocks as b
from lifecycle.policy import Person
from tasks import pending_messages, posts
from tasks.context import policy, slack
from tasks.decisions import Outcome

log = logging.getLogger(__name__)

Body = Mapping[str, Any]
PagedView = Callable[[modals.Place, Person | None], dict[str, Any]]


class Answers:
    """How a delivery is answered; `poke` tells the sender that a wake-up is pending."""

    def __init__(self, ledger: Ledger, poke: Callable[[], None]) -> None:
        self._ledger = ledger
        self.poke = poke
        self._after = ThreadPoolExecutor(4, thread_name_prefix="slack-after")

    def reply(
        self,
        ack: Ack,
        body: Body,
        context: BoltContext,
        outcome: Outcome,
        refresh: Callable[[str], object] = lambda _: None,
        *,
        thank: bool = False,
    ) -> None:
        """Acknowledge, wake, then show the result to all, and a refusal (or thanks) to the person alone."""
        ack()
        self.poke()

        def show() -> None:
            if thank or not outcome.accepted:
                self.tell(body, outcome.message)
            issue_list.after(body, person_of(body), "" if outcome.accepted else outcome.message)
            if outcome.subject:
                refresh(outcome.subject)

        self.follow(context["delivery"], outcome, show)

    def decide_as(
        self,
        ack: Ack,
        body: Body,
        context: BoltContext,
        act: Callable[[str], Outcome],
        refresh: Callable[[str], object],
    ) -> None:
        """Let whoever pressed decide, under their id of the people file, and reply."""
        person = person_of(body)
        outcome = stranger() if person is None else act(person.id)
        self.reply(ack, body, context, outcome, refresh)

    def modal(
        self, ack: Ack, body: Body, context: BoltContext, make: Callable[[], dict[str, Any]], what: str
    ) -> None:
        """Open a modal; from the list of issues show it in the list's place."""
        ack()
        try:
            if issue_list.place_of(body):
                issue_list.show(body, make())
            else:
                slack().open_view(str(body.get("trigger_id", "")), make())
        except IntegrationError as error:
            # Its three seconds are over, or Slack is down: only the person can ask again.
            log.warning("Slack delivery %s: no modal: %s", context["delivery"], error)
            again = Outcome(accepted=False, message="That did not work. Please press the button again.")
            self.follow(context["delivery"], again, lambda: self.tell(body, again.message))
            return
        self.done(context["delivery"], what)

    def pages(self, app: App, opens: str, turns: str, view: PagedView) -> None:
        """Have `app` open the list of `view` by the action `opens` and turn its pages by `turns`."""

        def open_list(ack: Ack, body: Body, context: BoltContext) -> None:
            place = modals.Place(value_of(body), page=0)
            self.modal(ack, body, context, lambda: view(place, person_of(body)), "opened a list")

        def turn(ack: Ack, body: Body, context: BoltContext) -> None:
            value = value_of(body)
            place = modals.place_in(body["view"])._replace(page=int(value) if value.isdecimal() else 0)
            self.modal(ack, body, context, lambda: view(place, person_of(body)), "turned a page")

        app.action(opens)(open_list)
        for to in ("previous", "next", "back"):
            app.action(f"{turns}.{to}")(turn)

    def tell(self, body: Body, text: str, blocks: Sequence[b.Block] = ()) -> None:
        """Answer in private where the person pressed; their App Home says it on top."""
        if channel_id := channel_of(body):
            posts.whisper(channel_id, user_of(body), text, blocks)
        else:
            pending_messages.refresh_home(user_of(body), text)

    def follow(
        self, delivery: int, outcome: Outcome, show: Callable[[], object], *, insist: bool = False
    ) -> Future[None]:
        """Show the outcome and note the delivery as done.

        With `insist` one that a vendor did not answer to is left to the pump, which dispatches it again: for
        what no walk makes good.
        """

        def run() -> None:
            try:
                show()
            except IntegrationError as error:
                # The decision stands; the next walk shows it. The pump does not decide it again.
                log.warning("Slack delivery %s: not shown: %s", delivery, error)
                if insist and isinstance(error, Transient):
                    return
            self.done(delivery, outcome.message)

        return self._after.submit(run)

    def done(self, delivery: int, what: str) -> None:
        self._ledger.handled([delivery], what, datetime.now(UTC))

    def close(self, ack: Ack, outcome: Outcome, place: str, view: dict[str, Any] | None = None) -> None:
        """Answer a modal that was sent: it closes or shows `view`; a refusal stands under `place` in it."""
        if not outcome.accepted:
            ack(response_action="errors", errors={place: outcome.message})
        elif view is not None:
            ack(response_action="update", view=view)
        else:
            ack()
        self.poke()

    def later(self, work: Callable[[], object]) -> None:
        """Do something that no delivery waits for."""
        self._after.submit(work)


def action(body: Body) -> dict[str, Any]:
    """The button that was pressed."""
    return body["actions"][0]


def value_of(body: Body) -> str:
    """What the button carries."""
    return str(action(body).get("value", ""))


def channel_of(body: Body) -> str:
    """Where it happened: of a button, a shortcut or a command; "" in a view."""
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
    return str(channel or body.get("channel_id") or "")


def user_of(body: Body) -> str:
    """Whoever pressed, as Slack calls them."""
    return str(body["user"]["id"])


def person_of(body: Body) -> Person | None:
    """Whoever pressed, if the people file knows them."""
    return policy().by_slack(user_of(body))


def stranger() -> Outcome:
    """What somebody is told whom the people file does not know."""
    return Outcome(accepted=False, message="You are not among Conveyor's people: nothing was decided.")
