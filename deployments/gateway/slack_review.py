"""The weekly review in Slack, and the changes of scope after it."""

from __future__ import annotations

from functools import partial

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import issue_list, modals, review_list
from deployments.gateway.slack_answers import (
    Answers,
    Body,
    action,
    channel_of,
    person_of,
    stranger,
    value_of,
)
from tasks import plan_messages, planning_messages, review_decisions, scope_decisions
from tasks.decisions import Outcome


class Reviewing:
    """What the team presses in the review's message and on a change of scope."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        app.action("review.accept")(self._accept_line)
        for decision, form in review_list.FORMS.items():
            app.action(f"review.{decision}")(self._ask_why_not)
            app.view(form)(self._turn_down_line)
        self._answers.pages(app, review_list.LIST, "review.page", review_list.view)
        app.action("review.close")(self._close_review)
        app.action("scope.approve")(self._approve_scope)
        app.action("scope.refuse")(self._ask_why_refused)
        app.view("scope.refuse")(self._refuse_scope)

    def _accept_line(self, ack: Ack, body: Body, context: BoltContext) -> None:
        act = partial(review_decisions.decide_line, value_of(body), "accept")
        self._answers.decide_as(ack, body, context, act, planning_messages.refresh_all)

    def _ask_why_not(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """What is deferred or rejected needs a reason, so a modal asks; the line's id travels along."""
        listed = issue_list.place_of(body)
        page = None if listed is None else listed.page
        decision = str(action(body)["action_id"]).split(".")[1]
        place = modals.Place(value_of(body), channel_of(body), page)
        self._answers.modal(
            ack, body, context, lambda: review_list.ask_why(place, decision), "asked for the reason"
        )

    def _turn_down_line(self, ack: Ack, body: Body, context: BoltContext) -> None:
        sent = body["view"]
        place, reason = modals.place_in(sent), modals.reason_in(sent).strip()
        decision = str(sent["callback_id"]).split(".")[1]
        person = person_of(body)
        if not reason:
            outcome = Outcome(accepted=False, message="Say why, in a few words.")
        elif person is None:
            outcome = stranger()
        else:
            outcome = review_decisions.decide_line(place.request, decision, person.id, reason)
        view = review_list.view(place, person) if outcome.accepted and place.page is not None else None
        self._answers.close(ack, outcome, modals.REASON, view)

        def show() -> None:
            if outcome.subject:
                planning_messages.refresh(outcome.subject)

        self._answers.follow(context["delivery"], outcome, show)

    def _close_review(self, ack: Ack, body: Body, context: BoltContext) -> None:
        act = partial(review_decisions.close_review, value_of(body))
        self._answers.decide_as(ack, body, context, act, planning_messages.refresh_all)

    def _approve_scope(self, ack: Ack, body: Body, context: BoltContext) -> None:
        act = partial(scope_decisions.approve, value_of(body))
        self._answers.decide_as(ack, body, context, act, plan_messages.refresh)

    def _ask_why_refused(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """Refusing a change of scope needs its reason, so a modal asks for it."""
        place = modals.Place(value_of(body), channel_of(body))
        self._answers.modal(ack, body, context, lambda: modals.refuse_scope(place), "asked why not")

    def _refuse_scope(self, ack: Ack, body: Body, context: BoltContext) -> None:
        view, person = body["view"], person_of(body)
        request, reason = modals.place_in(view).request, modals.reason_in(view)
        outcome = stranger() if person is None else scope_decisions.refuse(request, person.id, reason)
        self._answers.close(ack, outcome, modals.REASON)
        self._answers.follow(context["delivery"], outcome, lambda: plan_messages.refresh(outcome.subject))
