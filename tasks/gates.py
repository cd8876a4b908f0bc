"""The gates of a project: its exceptions, and what they say of a pipeline now. One core for all doors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from lifecycle import requests, runtime
from lifecycle.gates import exceptions, judging
from lifecycle.gates.exceptions import GateExcepted, GateExceptionEnded
from lifecycle.gates.judging import GateResult
from lifecycle.gates.standing import Standing
from lifecycle.policy import Person, Project
from lifecycle.release import Door
from tasks import pipelines
from tasks.context import gitlab, ledger, policy
from tasks.deciding import insist, no, record_all
from tasks.decisions import Outcome
from tasks.evidence import gather


def open_exceptions(project_id: str) -> tuple[GateExcepted, ...]:
    """The project's exceptions that nobody ended, those past their day too."""
    return exceptions.fold(event.data for event in ledger().events(exceptions.stream(project_id)))


def standing_exceptions(project_id: str, now: datetime) -> dict[str, GateExcepted]:
    """By gate, the exception that holds at `now`."""
    return exceptions.standing(open_exceptions(project_id), now)


def standing(project: Project, now: datetime) -> Standing:
    """By what the verdict on a candidate of this project is measured at `now`."""
    valid_for = project.gates.valid_for
    oldest = now - valid_for if valid_for is not None else None
    rules = project.gates.in_force(now.astimezone(UTC).date())
    return Standing(oldest, frozenset(standing_exceptions(project.id, now)), rules)


def look(project: Project, pipeline_id: int, sha: str, now: datetime) -> tuple[GateResult, ...]:
    """What every gate says of `sha` by that pipeline as it stands now. Reads only."""
    seen = gather(project, pipeline_id)
    return judging.judge(seen, sha, project.gates, now, standing_exceptions(project.id, now))


def pipeline_of(project: Project, sha: str) -> int | None:
    """The pipeline that verifies the commit: that of a candidate, else the commit's newest; None for none."""
    for stream in ledger().subjects(f"release:{project.id}:"):
        for event in ledger().events(stream):
            if event.kind == "CandidateCut" and event.data["sha"] == sha:
                begun = pipelines.started(stream, "verify", int(str(event.data["number"])))
                if begun is not None:
                    return begun.pipeline_id
    newest = gitlab().pipelines.list(project.gitlab, sha=sha)
    return newest[0].id if newest else None


def sign_exception(
    project_id: str,
    gate_id: str,
    until: date,
    person_id: str,
    reason: str,
    door: Door = "cli",
    now: datetime | None = None,
) -> Outcome:
    """Let candidates past a gate through the day `until`. A repeat of the same exception changes nothing."""
    stream = exceptions.stream(project_id)

    def attempt(person: Person, moment: datetime) -> Outcome:
        project = policy().project(project_id)
        known = (*judging.gates_of(project.gates), *runtime.rules_of(project.runtime))
        gate = next((each for each in known if each.id == gate_id), None)
        verdict = exceptions.may_except(person, project, gate, until, moment)
        why = requests.one_line(reason, 500)
        if not verdict.allowed or not why:
            return no(f"Not excepted: {'; '.join(verdict.reasons) or 'say why'}.")
        known = ledger().events(stream)
        fact = GateExcepted(
            round=1 + sum(event.kind == "GateExcepted" for event in known),
            gate=gate_id,
            person=person.id,
            role=exceptions.role_of(person, project),
            reason=why,
            until=until,
            door=door,
        )
        told = f"{gate_id} is excepted by {person.name} until {until}: {why}"
        same = {"round": fact.round}
        if any(each.model_copy(update=same) == fact for each in open_exceptions(project_id)):
            return Outcome(accepted=True, message=f"{told}, as it was.", subject=stream, repeated=True)
        record_all(stream, [fact], known, moment)
        return Outcome(accepted=True, message=f"{told}.", subject=stream)

    return _decided(attempt, person_id, stream, now)


def end_exception(
    project_id: str,
    gate_id: str,
    person_id: str,
    reason: str,
    door: Door = "cli",
    now: datetime | None = None,
) -> Outcome:
    """End every exception to a gate: from now on it fails again, for candidates that were let past it too."""
    stream = exceptions.stream(project_id)

    def attempt(person: Person, moment: datetime) -> Outcome:
        verdict = exceptions.may_end(person, policy().project(project_id))
        why = requests.one_line(reason, 500)
        if not verdict.allowed or not why:
            return no(f"Not ended: {'; '.join(verdict.reasons) or 'say why'}.")
        known = ledger().events(stream)
        open_ = [each for each in open_exceptions(project_id) if each.gate == gate_id]
        if not open_:
            return no(f"Not ended: there is no exception to {gate_id}.")
        facts = [
            GateExceptionEnded(round=each.round, person=person.id, reason=why, door=door) for each in open_
        ]
        record_all(stream, facts, known, moment)
        return Outcome(accepted=True, message=f"The exception to {gate_id} is ended: {why}.", subject=stream)

    return _decided(attempt, person_id, stream, now)


def _decided(
    attempt: Callable[[Person, datetime], Outcome], person_id: str, stream: str, now: datetime | None
) -> Outcome:
    person = policy().person(person_id)
    if person is None:
        return no("You are not in Conveyor's people file, so nothing was decided.")
    return insist(lambda: attempt(person, now or datetime.now(UTC)), stream)
