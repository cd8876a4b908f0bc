"""The whole chain of one release in one function. One release is one flow run, from cut to last feedback."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.stages.alerting import raise_alerts
from flows.stages.cut import cut
from flows.stages.environment import give_way, tell_unfrozen
from flows.stages.feedback import feedback
from flows.stages.held import hold
from flows.stages.introduce import introduce
from flows.stages.production import release_to_production, tell_everybody
from flows.stages.rehearsal import rehearse
from flows.stages.rolling_back import roll_back
from flows.stages.scope import follow_scope
from flows.stages.sign_off import rework, sign_off
from flows.stages.staging import deploy_to_staging
from flows.stages.verify import verify
from flows.stages.watch_report import report_watch
from flows.stages.watching import watch
from tasks.release_walk import release_walks


@flow(name="release")
def release(project: str, version: str) -> State:
    """Carry one release from its plan to its last feedback, as far as its evidence allows.

    Where it has to wait, the run ends as a named state such as `Awaiting QA`, and is started again.
    """
    ending = "Closed"
    for walk in release_walks(project, version):
        walk.step(introduce)
        walk.step(follow_scope)
        walk.step(give_way)
        walk.step(tell_unfrozen)
        walk.step(hold)
        walk.step(rework)
        walk.step(cut)
        walk.step(verify)
        walk.step(deploy_to_staging)
        walk.step(rehearse)
        walk.step(sign_off)
        walk.step(release_to_production)
        walk.step(tell_everybody)
        walk.step(raise_alerts)
        walk.step(report_watch)
        walk.step(watch)
        walk.step(roll_back)
        walk.step(feedback)
        ending = str(walk.phase)
    return Completed(name=ending)
