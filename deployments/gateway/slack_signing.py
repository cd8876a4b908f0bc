"""Signing in Slack: the questions' buttons, the return with its reason, and what waits for somebody."""

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
from tasks import pending_messages, signoff_facts, signoff_messages, signoffs
from tasks.context import policy
from tasks.decisions import Decision, Outcome, decide

_HELP = (
    "`/request` opens a form for a request, `/request title | description` files it at once. "
    "`/conveyor pending` lists the sign-offs that wait for you, and so does this app's Home. "
    "Sign-offs are asked for in the channel."
)


class Signing:
    """What signers press and ask for."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        app.action("signoff.approve")(self._approve)
        app.action("signoff.return")(self._ask_why)
        app.view("signoff.return")(self._return)
        self._answers.pages(app, "signoff.all", "signoff.page", issue_list.view)
        app.command("/conveyor")(self._conveyor)
        app.event("app_home_opened")(self._home)

    def _approve(self, ack: Ack, body: Body, context: BoltContext) -> None:
        person = person_of(body)
        if person is None:
            self._answers.reply(ack, body, context, stranger())
            return
        outcome = decide(Decision("approve", value_of(body), person.id, "slack"))

        def refresh(subject: str) -> None:
            signoffs.refresh(subject)
            # Who was refused at home has been told there already.
            if outcome.accepted or channel_of(body):
                pending_messages.refresh_home(user_of(body), "" if channel_of(body) else outcome.message)

        self._answers.reply(ack, body, context, outcome, refresh)

    def _ask_why(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """A return needs its reason, so a modal asks for it; the request's id travels along."""
        listed = issue_list.place_of(body)
        page = None if listed is None else listed.page
        place = modals.Place(value_of(body), channel_of(body), page)

        def form() -> dict[str, Any]:
            about = signoff_facts.asking_of(place.request)
            what = signoff_messages.subject_of(about, place.request) if about else ""
            return modals.return_for_rework(place, what)

        self._answers.modal(ack, body, context, form, "asked for the reason")

    def _return(self, ack: Ack, body: Body, context: BoltContext) -> None:
        place, reason = modals.place_in(body["view"]), modals.reason_in(body["view"])
        person = person_of(body)
        outcome = (
            stranger()
            if person is None
            else decide(Decision("return", place.request, person.id, "slack", reason))
        )
        view = issue_list.view(place, person) if outcome.accepted and place.page is not None else None
        self._answers.close(ack, outcome, modals.REASON, view)

        # A refusal stands in the modal, which is still open.
        at_home = not place.channel and place.page is None
        note = outcome.message if outcome.accepted and at_home else ""

        def show() -> None:
            signoffs.refresh(outcome.subject)
            pending_messages.refresh_home(user_of(body), note)

        self._answers.follow(context["delivery"], outcome, show)

    def _conveyor(self, ack: Ack, body: Body, context: BoltContext) -> None:
        if str(body.get("text", "")).strip().lower() != "pending":
            ack(_HELP)
            self._answers.done(context["delivery"], "help")
            return
        person = policy().by_slack(str(body.get("user_id", "")))
        if person is None:
            ack(pending_messages.STRANGER)
            self._answers.done(context["delivery"], "asked by a stranger")
            return
        ack()
        where = str(body.get("response_url", ""))
        told = Outcome(accepted=True, message="told what waits")
        self._answers.follow(context["delivery"], told, lambda: pending_messages.answer(person, where))

    def _home(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """Somebody opened the app: its first tab shows what waits for them, the other our messages."""
        event = body["event"]
        if event.get("tab") != "home":
            ack()
            self._answers.done(context["delivery"], "ignored")
            return
        ack()
        shown = Outcome(accepted=True, message="home shown")
        self._answers.follow(
            context["delivery"], shown, lambda: pending_messages.publish_home(str(event["user"]))
        )
