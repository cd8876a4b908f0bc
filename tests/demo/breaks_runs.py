"""What can be wrong in Prefect and on the ledger."""

from __future__ import annotations

import json
from typing import Any

from tests.demo.breaking import Act, breaks, named
from tests.demo.ending import events, four_keys, tell_ledger
from tests.demo.standins import canonical, chained
from tests.demo.world import World

Json = dict[str, Any]


def _artifact(world: World, key: str) -> Json:
    return next(row for row in world.prefect.rows["artifacts/latest"] if row["key"] == key)


def _unclosed(version: str) -> Act:
    def act(world: World) -> None:
        world.prefect.find(f"release {version}")["state_name"] = "Completed"

    return named(act, f"the_run_of_{version}_does_not_say_how_it_ended")


def _unwaited(version: str, wait: str) -> Act:
    def act(world: World) -> None:
        run = world.prefect.find(f"release {version}")["id"]
        world.prefect.states[run] = [s for s in world.prefect.states[run] if s["name"] != wait]

    return named(act, f"the_run_of_{version}_was_never: {wait}")


def _stale(version: str) -> Act:
    def act(world: World) -> None:
        page = _artifact(world, f"release-shop-{version.replace('.', '-')}")
        page["data"] = page["data"].replace(f"{version}: ", f"{version}: Sign-off, then ")

    return named(act, f"the_artifact_of_{version}_does_not_tell_the_end")


for _version in ("1.4.0", "1.4.1"):
    breaks(f"prefect.run.{_version}")(_unclosed(_version))
    breaks(f"prefect.history.{_version}")(_unwaited(_version, "Awaiting approval"))
    breaks(f"prefect.artifact.{_version}")(_stale(_version))
breaks("prefect.history.1.4.0")(_unwaited("1.4.0", "Rolled back"))
breaks("prefect.history.1.4.0")(_unwaited("1.4.0", "Awaiting rework"))
for _version, _wait in (("1.4.0", "Awaiting environment"), ("1.4.1", "Awaiting production")):
    breaks(f"prefect.history.{_version}", f"prefect.stood.{_version}")(_unwaited(_version, _wait))


def _otherwise(version: str, kept_by: str) -> Act:
    def act(world: World) -> None:
        for state in world.prefect.states[world.prefect.find(f"release {version}")["id"]]:
            state["message"] = state["message"].replace(kept_by, "")

    return named(act, f"{version}_stood_for_another_reason")


breaks("prefect.stood.1.4.0")(_otherwise("1.4.0", "production is locked by olli: "))
breaks("prefect.stood.1.4.1")(_otherwise("1.4.1", "frozen: GitLab's freeze period "))


@breaks("prefect.artifact.1.4.1")
def a_release_has_two_artifacts(world: World) -> None:
    run = world.prefect.find("release 1.4.1")["id"]
    world.prefect.artifact(run, "release-shop-1-4-1-copy", "# shop 1.4.1: Closed\n")


@breaks("prefect.artifact.1.4.0")
def an_older_version_of_the_artifact_was_left(world: World) -> None:
    page = _artifact(world, "release-shop-1-4-0")
    world.prefect.rows["artifacts"].insert(0, {**page, "data": "# shop 1.4.0: Sign-off\n"})


@breaks(
    "prefect.run.1.4.0", "prefect.history.1.4.0", "prefect.stood.1.4.0", "prefect.artifact.1.4.0",
    "prefect.review-linked",
)  # fmt: skip
def a_release_had_two_runs(world: World) -> None:
    world.prefect.run("release", "release 1.4.0", "Superseded")


@breaks("prefect.review")
def the_review_had_two_runs(world: World) -> None:
    world.prefect.run("weekly-review", "weekly review 2026-W01", "Closed")


@breaks("prefect.review-linked")
def the_release_does_not_link_to_its_review(world: World) -> None:
    _artifact(world, "release-shop-1-4-0")["data"] = "# shop 1.4.0: Superseded\n"


@breaks("prefect.by-deployments")
def a_flow_was_called_by_hand(world: World) -> None:
    world.prefect.find("intake shop")["deployment_id"] = None


@breaks("prefect.by-worker")
def a_run_was_executed_by_no_worker(world: World) -> None:
    world.prefect.find("intake shop")["labels"] = {}


@breaks("prefect.by-worker")
def a_run_was_executed_in_another_pool(world: World) -> None:
    world.prefect.find("release 1.4.0")["work_pool_name"] = "default"


def _ended_badly(state: str) -> Act:
    def act(world: World) -> None:
        world.prefect.run("control", "control", state.capitalize())
        world.prefect.find("control")["state_type"] = state

    return named(act, f"a_run_is_{state}")


for _state in ("FAILED", "CRASHED", "CANCELLED"):
    breaks("prefect.no-failed-run")(_ended_badly(_state))
for _state in ("RUNNING", "SCHEDULED"):
    breaks("prefect.nothing-open")(_ended_badly(_state))


@breaks("prefect.no-failed-task")
def a_task_failed(world: World) -> None:
    world.prefect.task(world.prefect.find("release 1.4.0")["id"], "tag 1.4.0", "FAILED")


@breaks("prefect.tasks-once")
def a_step_stands_twice_in_the_graph(world: World) -> None:
    for _ in range(2):
        world.prefect.task(world.prefect.find("release 1.4.0")["id"], "tag 1.4.0")


@breaks("prefect.event-triggers")
def no_event_triggered_the_retrospective(world: World) -> None:
    world.prefect.find("retrospective release:shop:1.4.1")["created_by"] = None


@breaks("prefect.four-keys")
def no_deployment_counts_as_failed(world: World) -> None:
    _artifact(world, "dora-shop")["data"] = four_keys(world, change_failure_rate=0.0)


@breaks("prefect.four-keys")
def the_recovery_took_another_time_than_on_gitlab(world: World) -> None:
    _artifact(world, "dora-shop")["data"] = four_keys(world, failed_deployment_recovery_time_s=4000.0)


@breaks("prefect.four-keys")
def the_four_keys_are_not_shown(world: World) -> None:
    _artifact(world, "dora-shop")["key"] = "something-else"


def _export(world: World) -> list[Json]:
    return [json.loads(line) for line in (world.said / "audit-export").read_text().splitlines()[1:]]


def _tell(world: World, lines: list[Json]) -> None:
    text = "".join(f"{canonical(line)}\n" for line in lines)
    (world.said / "audit-export").write_text(f"0\n{text}")


def _say(world: World, name: str, code: int, **changed: Any) -> None:
    path = world.said / name
    said = json.loads(path.read_text().partition("\n")[2])
    path.write_text(f"{code}\n{json.dumps({**said, **changed})}")


@breaks("ledger.chain")
def an_event_was_changed_and_the_command_line_does_not_say_so(world: World) -> None:
    lines = _export(world)
    lines[0]["data"]["payload"] = {"person": "somebody else"}
    _tell(world, lines)


@breaks("ledger.chain")
def the_export_ends_elsewhere_than_the_command_line_says(world: World) -> None:
    _tell(world, chained([("project:shop", "Merged", {}), *events(world)[1:]]))


@breaks("ledger.verified")
def the_chain_does_not_verify(world: World) -> None:
    _say(world, "audit-verify", 1, ok=False, problems=["line 3: does not match its hash"])


@breaks("ledger.verified")
def the_ledger_holds_more_than_was_exported(world: World) -> None:
    _say(world, "audit-verify", 0, events=len(events(world)) + 1)


def _retold(world: World, kind: str, **changed: Any) -> None:
    tell_ledger(
        world,
        [
            (subject, k, {**payload, **changed} if k == kind else payload)
            for subject, k, payload in events(world)
        ],
    )


@breaks("ledger.carried")
def a_sign_off_was_carried_over_a_change(world: World) -> None:
    _retold(world, "SignOffCarried", to_digest="e" * 64)


@breaks("ledger.carried")
def no_sign_off_was_carried(world: World) -> None:
    tell_ledger(world, [event for event in events(world) if event[1] != "SignOffCarried"])


@breaks("ledger.candidates")
def the_candidates_on_record_are_others(world: World) -> None:
    _retold(world, "CandidateCut", sha="0" * 40)


def _moved_up(world: World, kind: str, subject: str) -> None:
    """The fact of that kind comes before everything else of `subject`."""
    told = events(world)
    fact = next(event for event in told if event[1] == kind and event[0] == subject)
    told.remove(fact)
    tell_ledger(world, [fact, *told])


@breaks("ledger.rejected")
def the_candidate_was_rejected_for_something_else(world: World) -> None:
    _retold(world, "CandidateRejected", reasons=["the pipeline is failed, not success"])


@breaks("ledger.taken-out")
def only_one_approved_the_change_of_scope(world: World) -> None:
    tell_ledger(world, [event for event in events(world) if event[2].get("person") != "mara"])


@breaks("ledger.locked")
def it_went_out_while_production_was_locked(world: World) -> None:
    _moved_up(world, "ProductionStarted", "release:shop:1.4.0")


@breaks("ledger.locked")
def nobody_locked_production(world: World) -> None:
    tell_ledger(world, [event for event in events(world) if event[1] not in ("Locked", "Unlocked")])


@breaks("ledger.unfrozen")
def the_hotfix_went_out_in_the_freeze_by_itself(world: World) -> None:
    _moved_up(world, "ProductionStarted", "release:shop:1.4.1")


@breaks("ledger.unfrozen")
def somebody_of_another_role_let_it_out(world: World) -> None:
    _retold(world, "FreezeOverridden", role="developer")


@breaks("ledger.rehearsed")
def a_candidate_could_not_come_back(world: World) -> None:
    _retold(world, "Rehearsed", ok=False)


@breaks("ledger.rehearsed")
def no_candidate_was_rehearsed(world: World) -> None:
    tell_ledger(world, [event for event in events(world) if event[1] != "Rehearsed"])


def _reopened(version: str) -> Act:
    def act(world: World) -> None:
        tell_ledger(world, [*events(world), (f"release:shop:{version}", "WatchTicked", {})])

    return named(act, f"something_happened_after_the_end_of_{version}")


for _version in ("1.4.0", "1.4.1"):
    breaks(f"ledger.end.{_version}")(_reopened(_version))


@breaks("ledger.settled")
def an_effect_is_unknown(world: World) -> None:
    _say(world, "reconcile", 0, unsettled=["release:shop:1.4.1:live:1 is unknown"])


@breaks("ledger.settled")
def a_message_differs_from_the_ledger(world: World) -> None:
    _say(world, "reconcile", 0, differences=[{"text": "SHOP-2 stands in QA", "mend": "tell"}])


@breaks(
    "ledger.verified", "ledger.chain", "ledger.carried", "ledger.candidates",
    "ledger.rejected", "ledger.taken-out", "ledger.rehearsed", "ledger.locked", "ledger.unfrozen",
    "ledger.end.1.4.0", "ledger.end.1.4.1",
    "slack.roll-back-button",
)  # fmt: skip
def the_ledger_cannot_be_reached(world: World) -> None:
    for name in ("audit-export", "audit-verify"):
        (world.said / name).write_text("4\n")
