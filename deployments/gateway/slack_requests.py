"""Requests in Slack: filing one, joining an earlier one, merging, and what one is worth."""

from __future__ import annotations

from functools import partial

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import request_forms, values_modal, values_slack
from deployments.gateway.slack_answers import (
    Answers,
    Body,
    action,
    channel_of,
    person_of,
    stranger,
    user_of,
    value_of,
)
from lifecycle.requests import Door, requester_at
from tasks import planning_messages, request_form, review_decisions, valuing, voting
from tasks.context import policy
from tasks.decisions import Outcome


class Requesting:
    """What is filed and merged."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        app.action("request.merge")(self._merge)
        app.action("request.unmerge")(self._merge)
        app.action("request.values")(self._ask_values)
        app.view(values_modal.CALLBACK)(self._set_values)
        app.action(planning_messages.MINE_TOO)(self._mine_too)
        app.command("/request")(self._request)
        app.shortcut(request_form.SHORTCUT)(self._open_form)
        app.view(request_form.FORM)(self._file_request)

    def _merge(self, ack: Ack, body: Body, context: BoltContext) -> None:
        value, merging = value_of(body), action(body)["action_id"] == "request.merge"
        act = partial(review_decisions.merge if merging else review_decisions.unmerge, value)
        self._answers.decide_as(ack, body, context, act, planning_messages.refresh_all)

    def _ask_values(self, ack: Ack, body: Body, context: BoltContext) -> None:
        key, channel = value_of(body), channel_of(body)
        self._answers.modal(
            ack, body, context, lambda: values_slack.view(key, channel), "asked for the values"
        )

    def _set_values(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """A refusal stands in the modal, which is still open."""
        filled, person = values_modal.filled(body["view"]), person_of(body)
        if person is None:
            ack(response_action="errors", errors={values_modal.REASON: stranger().message})
            self._answers.done(context["delivery"], stranger().message)
            return
        outcome, errors = values_slack.decide(filled, person.id)
        if errors:
            ack(response_action="errors", errors=errors)
        else:
            ack()
        # Part of what was refused may stand: whatever is on record is shown.
        self._answers.follow(context["delivery"], outcome, lambda: valuing.show(filled.key))

    def _mine_too(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """Anybody may say so, also who is not in the people file: then Slack's name stands for them."""
        name = str(body["user"].get("name") or body["user"].get("username") or "")
        who = requester_at(policy(), Door.SLACK, user_of(body), name)
        outcome = voting.mine_too(value_of(body), who)
        self._answers.reply(ack, body, context, outcome, voting.show, thank=True)

    def _request(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """A request by command: the pump hands the delivery to an intake run. Without a text, by form."""
        if not str(body.get("text", "")).strip():
            self._open_form(ack, body, context)
            return
        ack("Thank you. Your request is being filed; the answer comes here.")

    def _open_form(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """The command without a text, or the shortcut on a message: the form is filled with that."""
        ack()
        if request_forms.show(body, channel_of(body)):
            self._answers.done(context["delivery"], "a form")
            return
        again = Outcome(accepted=False, message=request_forms.AGAIN)
        self._answers.follow(context["delivery"], again, lambda: request_forms.ask_again(body))

    def _file_request(self, ack: Ack, body: Body, context: BoltContext) -> None:
        """A request by form: the pump hands the delivery to an intake run, as that of a command."""
        wrong = request_forms.wrong_in(body)
        if not wrong:
            ack()
            return
        ack(response_action="errors", errors=dict(wrong))
        self._answers.done(context["delivery"], "; ".join(wrong.values()))
