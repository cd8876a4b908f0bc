"""`conveyor gates ...`: what a candidate must show, whether every gate can fail, and signed exceptions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from lifecycle.gates.exceptions import GateExcepted
    from lifecycle.policy import Project

app = App(name="gates", help="The gates: what a candidate's pipeline must show, and exceptions to it.")

Gate = Annotated[str, Parameter(help="The gate's id, as `conveyor gates check` shows it.")]
Reason = Annotated[str, Parameter(help="Why; it stays on record.")]


@app.command
def check(
    *,
    sha: Annotated[str, Parameter(help="A commit, tag or branch; its newest pipeline is judged.")] = "",
    pipeline: Annotated[int, Parameter(help="A pipeline's id, in place of --sha.")] = 0,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Judge a pipeline by every gate, with the reasons and links to the evidence; nothing is recorded.

    While staging serves that commit, the runtime contract is looked at too. Ends with 1 if a gate fails.

    Example: `conveyor gates check --project shop --sha 1.4.0-rc.1`
    """
    wanted = names.project_named(project)
    if bool(sha) == bool(pipeline):
        raise say.Stop(Exit.USAGE, "say either --sha or --pipeline")
    with say.busy("Reading the evidence"):
        from tasks import gates, runtime

        commit, pipeline_id = _meant(wanted, sha, pipeline)
        of_pipeline = gates.look(wanted, pipeline_id, commit, datetime.now(UTC))
        results = (*of_pipeline, *runtime.look(wanted, commit))
    failed = [result for result in results if result.state == "fail"]
    if json:
        rows = [result.model_dump(mode="json") for result in results]
        say.dump({"ok": not failed, "sha": commit, "pipeline": pipeline_id, "gates": rows})
    else:
        rows = [(result.id, result.state, result.text or result.title, result.url) for result in results]
        say.table(("GATE", "STATE", "WHY", "EVIDENCE"), rows)
    if failed:
        raise say.Stop(Exit.FAILED, f"{len(failed)} gates fail: {', '.join(each.id for each in failed)}")


def _meant(project: Project, sha: str, pipeline: int) -> tuple[str, int]:
    """The full commit and the pipeline that are meant."""
    from tasks.context import gitlab
    from tasks.gates import pipeline_of

    if pipeline:
        return gitlab().pipelines.get(project.gitlab, pipeline).sha, pipeline
    commit = gitlab().repository.commit(project.gitlab, sha).sha
    found = pipeline_of(project, commit)
    if found is None:
        raise say.Stop(Exit.FAILED, f"no pipeline ran for {commit[:8]}")
    return commit, found


@app.command
def prove(*, project: ProjectName = "", json: Json = False) -> None:
    """Show that every gate can fail: evidence that is good but for one thing fails exactly at its gate.

    Ends with 1 if a gate cannot fail, or not alone.

    Example: `conveyor gates prove --project shop`
    """
    from lifecycle import runtime_proving
    from lifecycle.gates import proving

    wanted = names.project_named(project)
    proofs = (*proving.prove(wanted.gates, datetime.now(UTC)), *runtime_proving.prove(wanted.runtime))
    wrong = sorted({proof.gate for proof in proofs if proof.problem})
    if json:
        say.dump({"ok": not wrong, "proofs": [proof.model_dump(mode="json") for proof in proofs]})
    else:
        rows = [
            (proof.gate, proof.scenario, proof.problem or f"fails: {'; '.join(proof.reasons)}")
            for proof in proofs
        ]
        say.table(("GATE", "IF", "THEN"), rows)
    if wrong:
        raise say.Stop(Exit.FAILED, f"not proven: {', '.join(wrong)}")


@app.command(name="except")
def sign(
    gate: Gate,
    *,
    until: Annotated[date, Parameter(help="The last day (UTC), such as 2026-12-31.")],
    reason: Reason,
    person: Person,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Let candidates past a gate through a day; it is shown wherever the gate is.

    Example: `conveyor gates except sast --until 2026-12-31 --reason "fixed in 1.5" --as olli`
    """
    from tasks.gates import sign_exception

    wanted = names.project_named(project)
    report(sign_exception(wanted.id, gate, until, person, reason), as_json=json)


@app.command
def exceptions(*, project: ProjectName = "", json: Json = False) -> None:
    """List the exceptions that nobody ended, those past their day too.

    Example: `conveyor gates exceptions --json`
    """
    from tasks.gates import open_exceptions

    today = datetime.now(UTC).date()
    known = open_exceptions(names.project_named(project).id)
    if json:
        say.dump([{**each.model_dump(mode="json"), "stands": _stands(each, today)} for each in known])
        return
    rows = [
        (each.gate, str(each.until), "stands" if _stands(each, today) else "over", each.person, each.reason)
        for each in known
    ]
    say.table(("GATE", "UNTIL", "STATE", "BY", "WHY"), rows)


def _stands(exception: GateExcepted, today: date) -> bool:
    return today <= exception.until


@app.command(name="end-exception")
def end(gate: Gate, *, reason: Reason, person: Person, project: ProjectName = "", json: Json = False) -> None:
    """End the exceptions to a gate: it fails again, for candidates that were let past it too.

    Example: `conveyor gates end-exception sast --reason "it is fixed" --as olli`
    """
    from tasks.gates import end_exception

    wanted = names.project_named(project)
    report(end_exception(wanted.id, gate, person, reason), as_json=json)
