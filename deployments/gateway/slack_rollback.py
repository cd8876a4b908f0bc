"""Rolling back in Slack: the button on a live release, the modal with what goes back, the decision."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack, App, BoltContext

from deployments.gateway import modals
from deployments.gateway.slack_answers import Answers, Body, person_of, stranger, value_of
from integrations.slack import blocks as b
from lifecycle.rollback import NoWay, Way
from tasks import rollbacks
from tasks.decisions import Outcome

_FORM = "release.rollback"
_FORCE = "force"
_SHOWN = 10
"""So many commits and files are shown."""


class RollingBack:
    """Who presses is shown the way back, and gives a reason; only then it is decided."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def listen(self, app: App) -> None:
        """Have `app` bring these here."""
        app.action(_FORM)(self._look)
        app.view(_FORM)(self._decide)

    def _look(self, ack: Ack, body: Body, context: BoltContext) -> None:
        subject = value_of(body)

        def form() -> dict[str, Any]:
            try:
                return _modal(subject, rollbacks.look(subject))
            except NoWay as none:
                text = b.escape(f"There is no way back: {none}.")
                return b.modal("Roll back", [b.section(text)], callback_id=_FORM, close="Close")

        self._answers.modal(ack, body, context, form, "shown what a rollback takes back")

    def _decide(self, ack: Ack, body: Body, context: BoltContext) -> None:
        view, person = body["view"], person_of(body)
        subject, _, to = str(view.get("private_metadata", "")).partition(" ")
        reason, force = modals.reason_in(view), _forced(view)
        outcome = (
            stranger()
            if person is None
            else rollbacks.decide_back(subject, person.id, "slack", reason, to, force=force)
        )
        self._answers.close(ack, outcome, modals.REASON)
        told = Outcome(accepted=outcome.accepted, message=outcome.message)
        self._answers.follow(context["delivery"], told, lambda: None)


def _forced(view: dict[str, Any]) -> bool:
    ticked = view.get("state", {}).get("values", {}).get(_FORCE, {}).get("choice", {})
    return bool(ticked.get("selected_options"))


def _modal(subject: str, way: Way) -> dict[str, Any]:
    """What goes back, whether that is safe, how long it took before; asks for the reason."""
    rows = [b.section(f"*{b.escape(way.version)}* goes back to *{b.escape(way.to.tag)}*. {_safe(way)}")]
    rows += [b.section(_list(f"{len(found)} {what}", found)) for what, found in _delta(way) if found]
    if way.measured:
        rows.append(b.context(b.escape("; ".join(way.measured))))
    rows.append(b.input_block(modals.REASON, "Why?", b.text_input("text", multiline=True, min_length=1)))
    if way.unsafe:
        force = b.checkboxes("choice", [b.option("Roll back all the same", _FORCE)])
        rows.append(b.input_block(_FORCE, "It is unsafe", force, optional=True))
    return b.modal(
        "Roll back",
        rows,
        callback_id=_FORM,
        submit="Roll back",
        private_metadata=f"{subject} {way.to.tag}",
    )


def _safe(way: Way) -> str:
    return f"⚠️ *Unsafe*: {b.escape('; '.join(way.unsafe))}." if way.unsafe else "Nothing speaks against it."


def _delta(way: Way) -> list[tuple[str, list[str]]]:
    return [
        ("issues", [*way.issues, *way.also]),
        ("commits", [f"{each.sha[:8]} {each.title}" for each in way.commits]),
        ("files", list(way.files)),
    ]


def _list(headline: str, found: list[str]) -> str:
    more = [f"… and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n".join([f"*{headline}*", *(f"• {b.escape(each)}" for each in found[:_SHOWN]), *more])
