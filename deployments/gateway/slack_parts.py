"""A request's parts in Slack: splitting it by role, estimating one's own sub-task, handing work out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import parts_modal
from deployments.gateway.parts_modal import Handed, Split
from deployments.gateway.slack_answers import Answers, Body, channel_of, person_of, user_of, value_of
from integrations.errors import Terminal
from lifecycle import parts
from lifecycle.people import barred_from_planning
from tasks import planning_messages, posts, splitting
from tasks.backlog import request_of
from tasks.context import policy
from tasks.deciding import no
from tasks.decisions import Outcome


class Splitting:
    """What is pressed and sent about a request's parts."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        app.action(planning_messages.PARTS)(self._ask_parts)
        app.view(parts_modal.SPLIT)(self._split)
        app.action(planning_messages.WORK_ORDER)(self._ask_order)
        app.view(parts_modal.ORDER)(self._order)

    def _ask_parts(self, ack: Ack, body: Body, context: BoltContext) -> None:
        key, channel = value_of(body), channel_of(body)

        def view() -> dict[str, Any]:
            return parts_modal.split_view(key, channel, parts.fold(request_of(key).parts), policy().people)

        self._ask(ack, body, context, view)

    def _ask_order(self, ack: Ack, body: Body, context: BoltContext) -> None:
        key, channel = value_of(body), channel_of(body)
        self._ask(ack, body, context, lambda: parts_modal.order_view(key, channel))

    def _ask(self, ack: Ack, body: Body, context: BoltContext, view: Callable[[], dict[str, Any]]) -> None:
        """Open the modal; who may not decide is told so in private and has none to fill in."""
        if refused := barred_from_planning(person_of(body)):
            self._answers.reply(ack, body, context, no(refused))
            return
        self._answers.modal(ack, body, context, view, "asked for the parts")

    def _split(self, ack: Ack, body: Body, context: BoltContext) -> None:
        sent, person = parts_modal.split_in(body["view"]), person_of(body)
        outcome, errors = _decide(sent, person.id if person else "")
        if errors:
            ack(response_action="errors", errors=errors)
        else:
            ack()
        self._carry_out(body, context, sent, outcome)

    def _order(self, ack: Ack, body: Body, context: BoltContext) -> None:
        sent, person = parts_modal.order_in(body["view"]), person_of(body)
        outcome = splitting.order(sent.key, sent.to, sent.what, sent.by, person.id if person else "")
        self._answers.close(ack, outcome, parts_modal.WHAT)
        self._carry_out(body, context, sent, outcome)

    def _carry_out(self, body: Body, context: BoltContext, sent: Split | Handed, outcome: Outcome) -> None:
        """Make in Jira what is on record, part of what was refused may be, and tell who asked."""

        def show() -> None:
            if not outcome.subject:
                return
            try:
                made = splitting.make(sent.key)
                for sub in sent.points if isinstance(sent, Split) else ():
                    splitting.show_estimate(sub)
            except Terminal as error:
                told = f"It is on record, but Jira does not take it: {error}."
                posts.whisper(sent.channel, user_of(body), f"{told} Whoever runs Conveyor has to look.")
                raise
            if outcome.accepted:
                told = f"{outcome.message} Sub-tasks: {', '.join(made)}."
                posts.whisper(sent.channel, user_of(body), told)

        self._answers.follow(context["delivery"], outcome, show, insist=True)


def _decide(sent: Split, person_id: str) -> tuple[Outcome, dict[str, str]]:
    """Split, then record the points: what came of it, and the errors by field.

    What was accepted stands if something else is refused: then the refusal has the request's stream too.
    Sending the modal again sets it no second time.
    """
    first = next(iter(sent.roles), parts_modal.SEQUENCE)
    told: dict[str, Outcome] = {}
    if sent.roles:
        told[first] = splitting.split(sent.key, sent.roles, person_id, sent.order)
    for sub, points in sent.points.items():
        told[parts_modal.estimate_field(sub)] = splitting.estimate(sub, points, person_id)
    if not told:
        told[first] = no("Choose who does a part, or the points of your own.")
    errors = {field: outcome.message for field, outcome in told.items() if not outcome.accepted}
    subject = next((outcome.subject for outcome in told.values() if outcome.accepted), "")
    message = " ".join(errors.values() or (outcome.message for outcome in told.values()))
    return Outcome(accepted=not errors, message=message, subject=subject), errors
