"""Requests come in: three doors, one Jira issue each. And the merges that people decided are carried out."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks import doors, lost_originals, merges, requests


@flow(name="intake")
def intake(deliveries: list[int] | None = None) -> State:
    """Make one Jira issue of each ask, answer who asked, show what it is like; then finish the merges.

    `deliveries` are ids of the inbox. One that fails does not stop the others: it is tried again later.
    """
    told: list[str] = []
    worked = True
    for delivery in deliveries or ():
        with requests.noting(delivery) as note:
            note.outcome = take(doors.read(delivery))
        told.append(note.outcome)
        worked = worked and not note.failed
    merged, all_merged = merges.finish()
    message = "; ".join([*told, *merged])
    return Completed(message=message) if worked and all_merged else Failed(message=message)


def take(asked: doors.Asked) -> str:
    """Make one request of one ask: the issue's key, or why it is none."""
    if asked.gone:
        return lost_originals.tell(asked.gone) or asked.nothing
    if asked.ask is None:
        return asked.nothing
    if asked.nothing:
        requests.decline(asked.ask, asked.nothing)
        return asked.nothing
    with requests.telling_a_refusal(asked.ask):
        key = requests.take_in(asked.project, asked.ask)
    requests.mark(key)
    requests.compare(key)
    requests.answer(asked.ask, key)
    requests.announce(key)
    return key
