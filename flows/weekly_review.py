"""The weekly review, from its agenda to its closing: one flow run, waiting in between for the people."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.stages.review import await_closing, propose, show, write_plan
from tasks.review_walk import review_walks, run_name, turn


@flow(name="weekly-review", flow_run_name=run_name)
def weekly_review(project: str, week: str | None = None) -> State:
    """Propose the next release from all open requests, let people decide, write the plan they closed.

    While it waits for them the run is the named state `Awaiting review`, and is started again. `week` is an
    ISO week such as 2026-W42, named by what began it. None, for a run that a person starts in Prefect, means
    the one that is due now; if none is, or it has begun already, the run ends as `No review today`.
    """
    due = turn(project, week)
    if due.week is None:
        return Completed(name="No review today", message=due.why)
    for walk in review_walks(project, due.week):
        walk.step(propose)
        walk.step(show)
        walk.step(await_closing)
        walk.step(write_plan)
    return Completed(name="Closed")
