"""The weekly review's modals: the paged list of every line, and the form that asks for a decision's reason.

They belong to one person; the review's one message is the same for everybody.
"""

from __future__ import annotations

from typing import Any

from deployments.gateway import modals
from deployments.gateway.modals import Place
from integrations.slack import blocks as b
from lifecycle import review
from lifecycle.policy import Person
from tasks import planning_messages, review_messages
from tasks.context import ledger, policy

LIST = "review.all"
FORMS = {"defer": "review.defer", "reject": "review.reject"}
"""Decision -> the form that asks why."""

GONE = "There is no such review any more."
_ASKS = {"defer": ("Defer", "Why not in this release?"), "reject": ("Reject", "Why not at all?")}


def view(place: Place, viewer: Person | None, notice: str = "") -> dict[str, Any]:
    """The page as the ledger is now; `place.request` is the proposal's id, or the id of one of its lines."""
    about = _reviewing(place.request)
    page = place.page or 0
    rows = [b.section(f"⚠️ {b.escape(notice)}")] if notice else []
    rows += review_messages.page(about, page, may_decide=_decides(viewer)) if about else [b.section(GONE)]
    kept = Place(review.proposal_of(place.request), "", page)
    return b.modal("Weekly review", rows, callback_id=LIST, close="Close", private_metadata=str(kept))


def _decides(viewer: Person | None) -> bool:
    return viewer is not None and viewer.active and bool(set(viewer.roles) - {"client"})


def _reviewing(target: str) -> review_messages.Reviewing | None:
    proposed = ledger().event_by_key(f"Proposed:{review.proposal_of(target)}")
    if proposed is None:
        return None
    known = ledger().events(proposed.subject)
    folded = review.fold(review.parse(event.data) for event in known)
    return planning_messages.reviewing(folded, policy(), proposed.subject)


def ask_why(place: Place, decision: str) -> dict[str, Any]:
    """Asks why the line `place.request` is deferred or rejected; from the list it leads back there."""
    label, question = _ASKS[decision]
    about = _reviewing(place.request)
    key = about.state.issue_of(place.request) if about else None
    line = next((line for line in about.lines if line.key == key), None) if about else None
    rows = [b.section(f"*{line.key}* {b.escape(line.title)}")] if line else []
    field = b.text_input("text", min_length=1, max_length=200)
    rows.append(b.input_block(modals.REASON, question, field, hint="Everybody sees it, with your name."))
    if place.page is not None:
        rows.append(b.actions(b.button("Back to the lines", "review.page.back", str(place.page))))
    return b.modal(
        f"{label} a request", rows, callback_id=FORMS[decision], submit=label, private_metadata=str(place)
    )
