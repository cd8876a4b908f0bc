"""The modals that the gateway opens, and what they know about themselves.

A modal's private metadata is "request channel page": the question it belongs to, the channel in which the
button stood ("" in a modal), and for the list of issues, or for a form that took its place, the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from integrations.slack import blocks as b
from lifecycle.feedback import COMMENT_LENGTH

REASON = "reason"


class Place(NamedTuple):
    """Where somebody stands. `page` is None outside of the list of issues."""

    request: str = ""
    channel: str = ""
    page: int | None = None

    def __str__(self) -> str:
        return f"{self.request} {self.channel} {'' if self.page is None else self.page}"


def place_in(view: Mapping[str, Any]) -> Place:
    """Where the modal stands, as its metadata says."""
    request, channel, page, *_ = [*str(view.get("private_metadata", "")).split(" "), "", ""]
    return Place(request, channel, int(page) if page.isdecimal() else None)


def return_for_rework(place: Place, what: str) -> dict[str, Any]:
    """Asks why `what` (mrkdwn) is returned; from the list of issues it leads back there."""
    asked = [b.section(what)] if what else []
    reason = b.input_block(
        REASON, "What has to be mended?", b.text_input("text", multiline=True, min_length=1)
    )
    back = b.button("Back to the issues", "signoff.page.back", str(place.page))
    return b.modal(
        "Return for rework",
        [*asked, reason] if place.page is None else [*asked, reason, b.actions(back)],
        callback_id="signoff.return",
        submit="Return",
        private_metadata=str(place),
    )


def release_without(place: Place, what: Sequence[b.Block], reason: str, *, possible: bool) -> dict[str, Any]:
    """Shows what would leave the release, and asks why; from the list of issues it leads back there."""
    text = b.text_input("text", multiline=True, min_length=1, initial=reason)
    asked = [b.input_block(REASON, "Why shall it leave?", text)] if possible else []
    back = (
        [] if place.page is None else [b.button("Back to the issues", "signoff.page.back", str(place.page))]
    )
    return b.modal(
        "Release without it",
        [*what, *asked, *([b.actions(*back)] if back else [])],
        callback_id="signoff.without",
        submit="Ask" if possible else "",
        private_metadata=str(place),
    )


def refuse_scope(place: Place) -> dict[str, Any]:
    """Asks why a change of scope is refused."""
    reason = b.input_block(REASON, "Why not?", b.text_input("text", multiline=True, min_length=1))
    return b.modal(
        "Refuse the change",
        [reason],
        callback_id="scope.refuse",
        submit="Refuse",
        private_metadata=str(place),
    )


def issues(place: Place, rows: Sequence[b.Block]) -> dict[str, Any]:
    """One page of the list of issues."""
    return b.modal("Issues", rows, callback_id="signoff.all", close="Close", private_metadata=str(place))


SCORE, COMMENT = "score", "comment"

_SCORES = ("1: no help at all", "2", "3", "4", "5: just what I wanted")


def rating(request: str, what: str, score: int | None, comment: str) -> dict[str, Any]:
    """Asks for a score and a comment on `what` (mrkdwn), as they stand; both may be left out."""
    scores = [b.option(label, str(number)) for number, label in enumerate(_SCORES, 1)]
    chosen = scores[score - 1] if score else None
    select = b.select("choice", scores, placeholder="1 to 5", initial=chosen)
    text = b.text_input("text", multiline=True, initial=comment, max_length=COMMENT_LENGTH)
    return b.modal(
        "Rate and comment",
        [
            b.section(what),
            b.input_block(SCORE, "How well did it help?", select, optional=True),
            b.input_block(COMMENT, "A comment", text, optional=True),
        ],
        callback_id="feedback.more",
        submit="Send",
        private_metadata=request,
    )


def rating_in(view: Mapping[str, Any]) -> tuple[int | None, str]:
    """The score and the comment that the person gave; None for no score."""
    values = view.get("state", {}).get("values", {})
    chosen = (values.get(SCORE, {}).get("choice", {}).get("selected_option") or {}).get("value") or ""
    comment = values.get(COMMENT, {}).get("text", {}).get("value") or ""
    return int(chosen) if str(chosen).isdecimal() else None, str(comment)


def reason_in(view: Mapping[str, Any]) -> str:
    """What the person wrote."""
    return str(view.get("state", {}).get("values", {}).get(REASON, {}).get("text", {}).get("value") or "")
