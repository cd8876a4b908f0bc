"""What people do in Slack, through Bolt: each action, view and command to the one core of decisions.

A decision is on the ledger before Slack gets its 200. What follows (the message that shows the name, a
private answer) is done right after, and again by the pump if this process dies first: the delivery counts
as handled only then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from starlette.responses import Response

from deployments.gateway import modals
from deployments.gateway.loop import said
from integrations.errors import IntegrationError
from integrations.ledger import Ledger
from integrations.settings import settings
from lifecycle.policy import Person
from tasks import planning_messages, posts, review_decisions, signoffs
from tasks.context import policy, slack
from tasks.decisions import Decision, Outcome, Verb, decide

log = logging.getLogger(__name__)

Body = Mapping[str, Any]


class SlackListener:
    """Dispatches verified deliveries; `poke` tells the sender that a wake-up is pending."""

    def __init__(self, ledger: Ledger, poke: Callable[[], None]) -> None:
        self._ledger = ledger
        self._poke = poke
        self._after = ThreadPoolExecutor(4, thread_name_prefix="slack-after")
        self._app = _bolt()
        self._listen()

    def dispatch(self, delivery: int, headers: Mapping[str, str], body: bytes) -> Response:
        """Let Bolt route the delivery; 500 if it could not be decided now, the pump then tries again."""
        bolt_headers: dict[str, str | Sequence[str]] = {name: [value] for name, value in headers.items()}
        request = BoltRequest(body=body.decode(), headers=bolt_headers, context={"delivery": delivery})
        answer = self._app.dispatch(request)
        if answer.status == 404:  # nobody listens: recorded, and nothing more to do
            self._done(delivery, "nobody listens to it")
            return Response(status_code=200)
        return Response(answer.body or "", status_code=answer.status, headers=answer.first_headers())

    def _listen(self) -> None:
        app = self._app
        app.action("signoff.approve")(self._approve)
        app.action("signoff.return")(self._ask_why)
        app.view("signoff.return")(self._return)
        for answer in ("solved", "partly", "not"):
            app.action(f"feedback.{answer}")(self._feedback)
        for decision in ("accept", "defer", "reject"):
            app.action(f"review.{decision}")(self._review_line)
        app.action("review.close")(self._close_review)
        app.action("request.merge")(self._merge)
        app.action("request.unmerge")(self._merge)
        app.command("/request")(self._request)
        app.command("/conveyor")(self._conveyor)
        app.event("message")(self._ignore)
        app.event("app_home_opened")(self._ignore)
        app.error(_failed)

    def _approve(self, ack: Ack, body: Body, context: BoltContext) -> None:
        self._decide("approve", ack, body, context)

    def _feedback(self, ack: Ack, body: Body, context: BoltContext) -> None:
        self._decide("feedback", ack, body, context, answer=_action(body)["action_id"].split(".")[1])

    def _decide(self, verb: Verb, ack: Ack, body: Body, context: BoltContext, answer: str = "") -> None:
        person = _person(body)
        if person is None:
            self._reply(ack, body, context, _stranger())
            return
        target = str(_action(body).get("value", ""))
        outcome = decide(Decision(verb, target, person.id, "slack", answer=answer))
        self._reply(ack, body, context, outcome, signoffs.refresh, thank=verb == "feedback")

    def _ask_why(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """A return needs its reason, so a modal asks for it; the request's id travels along."""
        ack()
        where = f"{_action(body).get('value', '')} {_channel(body)}"
        try:
            slack().open_view(str(body.get("trigger_id", "")), modals.return_for_rework(where))
        except IntegrationError as error:
            # Its three seconds are over, or Slack is down: only the person can ask again.
            log.warning("Slack delivery %s: no modal: %s", context["delivery"], error)
            again = Outcome(accepted=False, message="That did not work. Please press the button again.")
            self._follow(context["delivery"], again, lambda: self._tell(body, again.message))
            return
        self._done(context["delivery"], "asked for the reason")

    def _return(self, ack: Ack, body: Body, context: BoltContext) -> None:
        view = body["view"]
        target, _, _ = str(view.get("private_metadata", "")).partition(" ")
        reason = modals.reason_in(view)
        person = _person(body)
        outcome = (
            _stranger() if person is None else decide(Decision("return", target, person.id, "slack", reason))
        )
        if outcome.accepted:
            ack()
        else:
            ack(response_action="errors", errors={modals.REASON: outcome.message})
        self._poke()
        self._follow(context["delivery"], outcome, lambda: signoffs.refresh(outcome.subject))

    def _review_line(self, ack: Ack, body: Body, context: BoltContext) -> None:
        action = _action(body)
        decision = action["action_id"].split(".")[1]
        value = str(action["value"])
        self._planning(ack, body, context, lambda who: review_decisions.decide_line(value, decision, who))

    def _close_review(self, ack: Ack, body: Body, context: BoltContext) -> None:
        value = _action(body)["value"]
        self._planning(ack, body, context, lambda who: review_decisions.close_review(value, who))

    def _merge(self, ack: Ack, body: Body, context: BoltContext) -> None:
        action = _action(body)
        act = review_decisions.merge if action["action_id"] == "request.merge" else review_decisions.unmerge
        self._planning(ack, body, context, lambda who: act(action["value"], who))

    def _planning(self, ack: Ack, body: Body, context: BoltContext, act: Callable[[str], Outcome]) -> None:
        person = _person(body)
        outcome = _stranger() if person is None else act(person.id)
        self._reply(ack, body, context, outcome, planning_messages.refresh)

    def _request(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """A request by command: the pump hands the delivery to an intake run."""
        if not str(body.get("text", "")).strip():
            ack("Say what you wish for: `/request title | description`.")
            self._done(context["delivery"], "empty")
            return
        ack("Thank you. Your request is being filed; the answer comes here.")

    def _conveyor(self, ack: Ack, context: BoltContext) -> None:
        ack("`/request title | description` files a request. Sign-offs are asked for in the channel.")
        self._done(context["delivery"], "help")

    def _ignore(self, ack: Ack, context: BoltContext) -> None:
        ack()
        self._done(context["delivery"], "ignored")

    def _reply(
        self,
        ack: Ack,
        body: Body,
        context: BoltContext,
        outcome: Outcome,
        refresh: Callable[[str], object] = lambda _: None,
        *,
        thank: bool = False,
    ) -> None:
        """Acknowledge, wake, then show the result to all, and a refusal to the person alone."""
        ack()
        self._poke()

        def show() -> None:
            if not outcome.accepted or thank:
                self._tell(body, outcome.message)
            if outcome.subject:
                refresh(outcome.subject)

        self._follow(context["delivery"], outcome, show)

    def _tell(self, body: Body, text: str) -> None:
        """Answer in private where the person pressed; in a modal or App Home there is no such place."""
        if channel_id := _channel(body):
            posts.whisper(channel_id, str(body["user"]["id"]), text)

    def _follow(self, delivery: int, outcome: Outcome, show: Callable[[], object]) -> Future[None]:
        def run() -> None:
            try:
                show()
            except IntegrationError as error:
                # The decision stands; the next walk shows it. The pump does not decide it again.
                log.warning("Slack delivery %s: not shown: %s", delivery, error)
            self._done(delivery, outcome.message)

        return self._after.submit(run)

    def _done(self, delivery: int, what: str) -> None:
        self._ledger.handled([delivery], what, datetime.now(UTC))


def _failed(error: Exception, context: BoltContext) -> BoltResponse:
    """Nothing was decided: the person sees that it failed, and the pump dispatches it again."""
    log.warning("Slack delivery %s: %s", context.get("delivery"), said(error))
    return BoltResponse(status=500)


def _bolt() -> App:
    """Bolt without its own verification (done on the raw body) and without `auth.test` on each request."""
    reached = settings().slack
    token = reached.bot_token.get_secret_value()

    def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    client = WebClient(token, base_url=reached.api_url, timeout=int(reached.timeout_s), retry_handlers=[])
    return App(
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        token_verification_enabled=False,
        raise_error_for_unhandled_request=False,
    )


def _action(body: Body) -> dict[str, Any]:
    return body["actions"][0]


def _channel(body: Body) -> str:
    return str((body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or "")


def _person(body: Body) -> Person | None:
    return policy().by_slack(str(body["user"]["id"]))


def _stranger() -> Outcome:
    return Outcome(accepted=False, message="You are not among Conveyor's people: nothing was decided.")
