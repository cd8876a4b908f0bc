"""The modal with all of a sign-off or a review: opened from its message, paged, current after each decision.

It belongs to one person and shows the buttons of what they may do; whether a click counts is decided anew.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from deployments.gateway import modals, review_list
from deployments.gateway.modals import Place
from integrations.errors import IntegrationError, NotFound
from integrations.slack import blocks as b
from lifecycle.policy import Person
from tasks import signoff_facts, signoff_messages
from tasks.context import slack

log = logging.getLogger(__name__)

Body = Mapping[str, Any]

GONE = "Nobody is asked for this any more."
_PAGED = ("signoff.all", "signoff.return", "signoff.without", review_list.LIST, *review_list.FORMS.values())


def view(place: Place, viewer: Person | None, notice: str = "") -> dict[str, Any]:
    """The page as the ledger is now; `notice` tells the viewer alone what became of their click."""
    about = signoff_facts.asking_of(place.request)
    said = [b.section(f"⚠️ {b.escape(notice)}")] if notice else []
    page = place.page or 0
    rows = signoff_messages.page(about, page, viewer) if about else [b.section(GONE)]
    return modals.issues(Place(place.request, "", page), [*said, *rows])


def place_of(body: Body) -> Place | None:
    """Where the pressed button stands, if it is in a list or in a form in its place."""
    view = body.get("view") or {}
    if view.get("callback_id") not in _PAGED:
        return None
    place = modals.place_in(view)
    return None if place.page is None else place


def show(body: Body, new: Mapping[str, Any]) -> None:
    """Put `new` in the place of the modal that was pressed; who has closed it misses nothing.

    Raises:
        IntegrationError: Slack did not take it.
    """
    try:
        slack().update_view(str(body["view"]["id"]), dict(new))
    except NotFound:
        log.info("the modal is closed")


def after(body: Body, viewer: Person | None, notice: str) -> None:
    """Make the list in which something was decided show it; elsewhere nothing. Never in the way of more."""
    place = place_of(body)
    if place is None:
        return
    make = review_list.view if str(body["view"]["callback_id"]).startswith("review.") else view
    try:
        show(body, make(place, viewer, notice))
    except IntegrationError as error:
        # The decision stands, and the message shows it; the next press shows the list as it is.
        log.warning("the list of issues was not shown: %s", error)
