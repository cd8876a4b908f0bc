"""Answering in Slack whether it helped: the buttons, and the form for a score and a comment."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import modals
from deployments.gateway.slack_answers import Answers, Body, action, user_of, value_of
from tasks import asking, feedback_messages
from tasks.decisions import Decision, decide


class Feedback:
    """What those who asked press."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        for answer in ("solved", "partly", "not"):
            app.action(f"feedback.{answer}")(self._feedback)
        app.action("feedback.more")(self._ask_rating)
        app.view("feedback.more")(self._rate)

    def _feedback(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """The answer counts at once; in private a score and a comment are offered."""
        request = value_of(body)
        answer = action(body)["action_id"].split(".")[1]
        who = asking.answerer(request, user_of(body))
        outcome = decide(Decision("feedback", request, who, "slack", answer=answer))
        ack()
        self._answers.poke()

        def show() -> None:
            offer = feedback_messages.offer(request, outcome.message) if outcome.accepted else ()
            self._answers.tell(body, outcome.message, offer)
            if outcome.accepted:
                asking.refresh(outcome.subject)

        self._answers.follow(context["delivery"], outcome, show)

    def _ask_rating(self, ack: Ack, body: Body, context: BoltContext) -> None:
        request = value_of(body)

        def form() -> dict[str, Any]:
            what, given = asking.answered(request)
            score, comment = (given.score, given.comment) if given else (None, "")
            return modals.rating(request, what, score, comment)

        self._answers.modal(ack, body, context, form, "asked for a score")

    def _rate(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """Score and comment amend the answer that stands."""
        view = body["view"]
        request = str(view.get("private_metadata", ""))
        score, comment = modals.rating_in(view)
        who = asking.answerer(request, user_of(body))
        outcome = decide(Decision("feedback", request, who, "slack", comment, score=score))
        self._answers.close(ack, outcome, modals.COMMENT)

        def show() -> None:
            if outcome.accepted:
                asking.refresh(outcome.subject)

        self._answers.follow(context["delivery"], outcome, show)
