"""“Release without it”, on an issue that was returned: shows what would leave, and asks for it."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import issue_list, modals
from deployments.gateway.slack_answers import (
    Answers,
    Body,
    channel_of,
    person_of,
    stranger,
    user_of,
    value_of,
)
from integrations.slack import blocks as b
from tasks import pending_messages, removing, signoffs


class Removing:
    """What people press to take a returned issue out of its release."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        app.action("signoff.without")(self._show)
        app.view("signoff.without")(self._ask)

    def _show(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """The set as the branch holds it now; nothing is changed by looking."""
        listed = issue_list.place_of(body)
        place = modals.Place(value_of(body), channel_of(body), None if listed is None else listed.page)
        self._answers.modal(ack, body, context, lambda: _form(place), "shown what would leave")

    def _ask(self, ack: Ack, body: Body, context: BoltContext) -> None:
        place, reason = modals.place_in(body["view"]), modals.reason_in(body["view"])
        person, (stream, issue) = person_of(body), removing.of_question(place.request)
        outcome = stranger() if person is None else removing.ask(stream, issue, reason, person.id, "slack")
        view = issue_list.view(place, person) if outcome.accepted and place.page is not None else None
        self._answers.close(ack, outcome, modals.REASON, view)

        def show() -> None:
            if outcome.subject:
                signoffs.refresh(outcome.subject)
            if outcome.accepted and not place.channel and place.page is None:
                pending_messages.refresh_home(user_of(body), outcome.message)

        self._answers.follow(context["delivery"], outcome, show)


def _form(place: modals.Place) -> dict[str, Any]:
    stream, issue = removing.of_question(place.request)
    seen = removing.preview(stream, issue) if issue else None
    if seen is None:
        return modals.release_without(place, [b.section(issue_list.GONE)], "", possible=False)
    leaves = "\n".join(
        [f"*{b.escape(issue)} leaves the release*", *(f"• {b.escape(x)}" for x in seen.lines[:30])]
    )
    rows = [b.section(b.cut(leaves, 2900))]
    if seen.why_not:
        rows.append(b.section(f"⚠️ {b.escape(b.cut(seen.why_not, 2000))}"))
    return modals.release_without(place, rows, removing.reason_of(place.request), possible=not seen.why_not)
