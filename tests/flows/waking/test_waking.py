"""One subject, one run, one process at a time: waiting, being woken, and every way in which it is cut short.

All in one file, so that one server serves it: its start takes longer than all that follows.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pytest

from deployments.demo.waiting import eventually
from deployments.stack import ROOT
from tests.flows.waking.world import DEADLINE_S, Json, Town, overlaps

pytestmark = [pytest.mark.prefect, pytest.mark.slow, pytest.mark.timeout(400)]

LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
AWAITING = {"type": "SCHEDULED", "name": "Awaiting QA", "state_details": {"scheduled_time": LATER}}


def created(run: Json) -> datetime:
    return datetime.fromisoformat(run["created"].replace("Z", "+00:00"))


def waiting(town: Town, *subjects: str) -> dict[str, Json]:
    """Wake these toys for the first time and let them come to wait, side by side."""
    for subject in subjects:
        town.decide(subject)
    return {subject: town.settled(subject, decided=1) for subject in subjects}


def one_at_a_time(town: Town, *subjects: str) -> None:
    """No subject was ever walked by two processes."""
    assert {subject: overlaps(town.walked(subject)) for subject in subjects} == {s: [] for s in subjects}


def test_a_run_waits_by_name_and_the_same_run_goes_on_when_it_is_due_or_woken(town: Town) -> None:
    subject = town.subject()
    town.tell(subject, "Due", s=2)
    town.ledger.wake(subject, datetime.now(UTC))
    run_id = town.run_id(subject)
    # Nobody wakes it for its second walk: it was due.
    town.begun(subject, times=2)
    town.decide(subject)
    run = town.settled(subject, decided=1)
    assert (run["id"], run["state"]["name"], run["state"]["message"]) == (run_id, "Awaiting QA", "1 decided")
    assert run["run_count"] >= 3
    assert len(town.runs(subject)) == 1
    assert town.steps(run_id, 1) == ["did 1"]
    town.end(subject)
    run = town.run(run_id)
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "Closed")
    assert not {"Crashed", "Failed"} & set(town.states(run_id))
    one_at_a_time(town, subject)


def test_a_wake_up_replaces_a_run_that_is_dead_or_gone_within_ten_seconds(town: Town) -> None:
    subjects = {
        how: town.subject() for how in ("CRASHED", "FAILED", "CANCELLED", "cancelled by hand", "deleted")
    }
    runs = waiting(town, *subjects.values())
    for how, subject in subjects.items():
        dead = runs[subject]["id"]
        if how == "deleted":
            town.api("DELETE", f"flow_runs/{dead}")
        elif how == "cancelled by hand":
            town.state(dead, {"type": "CANCELLING"}, force=False)
        else:
            town.state(dead, {"type": how})
    decided = {subject: town.decide(subject) for subject in subjects.values()}
    for how, subject in subjects.items():
        town.settled(subject, decided=2)
        new = town.runs(subject)[-1]
        assert new["id"] != runs[subject]["id"], how
        assert new["idempotency_key"] == f"{subject}:2", how
        assert created(new) - decided[subject] < timedelta(seconds=10), how
    one_at_a_time(town, *subjects.values())


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("set_state", id="before it waits"),
        pytest.param("rest", id="between waiting and giving the lease back"),
        pytest.param("_carry", id="while giving the lease back"),
    ],
)
def test_a_process_that_is_killed_is_carried_on(town: Town, at: str) -> None:
    subject = town.subject(do="die", at=at)
    town.decide(subject)
    town.begun(subject, times=2)
    town.settled(subject, decided=1)
    town.end(subject)
    one_at_a_time(town, subject)


def test_a_run_that_fails_is_replaced(town: Town) -> None:
    subject = town.subject(do="fail")
    town.decide(subject)
    assert town.in_state(town.run_id(subject), "FAILED")["state"]["message"].endswith("as ordered")
    town.settled(subject, decided=1)
    assert [run["idempotency_key"] for run in town.runs(subject)] == [f"{subject}:1", f"{subject}:2"]


@pytest.mark.parametrize("at", ["confirm", "_set_state", "rest"])
def test_a_decision_at_the_very_moment_of_waiting_is_carried(town: Town, at: str) -> None:
    subject = town.subject(do="decide", at=at)
    town.ledger.wake(subject, datetime.now(UTC))
    run = town.settled(subject, decided=1)
    assert (run["state"]["message"], len(town.runs(subject))) == ("1 decided", 1)
    one_at_a_time(town, subject)


def test_decisions_while_a_run_walks_are_carried_by_the_same_run(town: Town) -> None:
    subject = town.subject(do="hold")
    town.decide(subject)
    town.begun(subject)
    for _ in range(3):
        town.decide(subject)
    town.tell(subject, "LetGo")
    run = town.settled(subject, decided=4)
    assert len(town.runs(subject)) == 1
    assert town.steps(run["id"], 4) == ["did 1", "did 2", "did 3", "did 4"]
    one_at_a_time(town, subject)


def test_a_decision_while_a_run_is_pending_is_carried_when_it_waits(town: Town) -> None:
    subject = town.subject("crowd")
    town.decide(subject)
    run_id = town.run_id(subject)
    town.state(run_id, {"type": "PENDING"})
    town.decide(subject)
    eventually("the sender looks", lambda: town.ledger.wakeup(subject).attempts > 2, DEADLINE_S)
    assert town.run(run_id)["state"]["type"] == "PENDING"
    town.state(run_id, AWAITING)
    town.in_state(run_id, "Decided")
    assert town.ledger.wakeup(subject).generation == 1
    assert len(town.runs(subject)) == 1


def test_a_second_run_of_a_subject_ends_without_walking(town: Town) -> None:
    subject = town.subject(do="hold")
    town.decide(subject)
    town.begun(subject)
    deployment = town.api("GET", "deployments/name/toy/toy")["id"]
    body = {"parameters": {"subject": subject}, "state": {"type": "SCHEDULED"}}
    second = town.api("POST", f"deployments/{deployment}/create_flow_run", **body)["id"]
    assert town.in_state(second, "CANCELLED")["state"]["name"] == "Replaced"
    town.tell(subject, "LetGo")
    town.settled(subject, decided=1)
    assert {note.data["run"] for note in town.walked(subject)} == {town.run_id(subject)}


def test_a_second_process_of_the_same_run_does_not_walk_beside_the_first(town: Town) -> None:
    subject = town.subject(do="hold")
    town.decide(subject)
    first = town.begun(subject).data["pid"]
    run_id = town.run_id(subject)
    with town.second_worker():
        town.state(run_id, {"type": "SCHEDULED", "name": "Twice"})
        town.in_state(run_id, "RUNNING")
        town.tell(subject, "LetGo")
        town.begun(subject, times=2)
        town.settled(subject, decided=1)
    assert [note.data["pid"] for note in town.walked(subject)][:2] == [first, first]
    one_at_a_time(town, subject)


def test_a_run_that_was_replaced_while_it_walked_walks_no_further(town: Town) -> None:
    subject = town.subject(do="hold")
    town.decide(subject)
    old = town.begun(subject).data["run"]
    town.ledger.next_generation(subject, 1, datetime.now(UTC))
    town.tell(subject, "LetGo")
    run = town.settled(subject, decided=1)
    assert (run["id"] != old, town.ledger.wakeup(subject).generation) == (True, 2)
    assert [note.data["what"] for note in town.walked(subject) if note.data["run"] == old] == ["begun"]
    one_at_a_time(town, subject)


def test_a_run_with_variables_of_its_own_has_a_process_of_its_own(town: Town) -> None:
    own, usual = town.subject("own"), town.subject()
    town.decide(own)
    town.settled(own, decided=1)
    waiting(town, usual)
    assert [note.data["own"] for note in town.walked(own)] == ["yes", "yes"]
    assert [note.data["own"] for note in town.walked(usual)] == ["", ""]
    pid = int(str(town.walked(own)[0].data["pid"]))
    eventually("its process has ended", lambda: not Path(f"/proc/{pid}").exists(), DEADLINE_S)


def test_a_run_that_is_cancelled_while_it_walks_is_ended_and_replaced(town: Town) -> None:
    subject = town.subject(do="hold")
    town.decide(subject)
    town.begun(subject)
    cancelled = town.run_id(subject)
    town.state(cancelled, {"type": "CANCELLING"}, force=False)
    assert town.in_state(cancelled, "CANCELLED")["state"]["message"]
    town.tell(subject, "LetGo")
    town.settled(subject, decided=1)
    assert [run["state"]["type"] for run in town.runs(subject)] == ["CANCELLED", "SCHEDULED"]
    assert cancelled not in {
        note.data["run"] for note in town.walked(subject) if note.data["what"] == "ended"
    }
    one_at_a_time(town, subject)


def test_a_dead_worker_loses_none_of_twenty_that_wait_and_twenty_that_walk(town: Town) -> None:
    waits = [town.subject() for _ in range(20)]
    walks, dies = ([town.subject(do="hold") for _ in range(10)] for _ in range(2))
    waiting(town, *waits)
    for subject in (*walks, *dies):
        town.decide(subject)
    begun = {subject: town.begun(subject) for subject in (*walks, *dies)}
    town.stack.kill("worker")
    for subject in dies:
        os.kill(int(str(begun[subject].data["pid"])), signal.SIGKILL)
    for subject in waits:
        town.decide(subject)
    for subject in walks:
        town.tell(subject, "LetGo")
    for subject in walks:
        town.settled(subject, decided=1)  # its process outlived the worker
    town.stack.start_worker()
    for subject in waits:
        town.settled(subject, decided=2)
    # Nobody told Prefect that these are dead; their leases did.
    for subject in dies:
        town.tell(subject, "LetGo")
    for subject in dies:
        town.settled(subject, decided=1)
        first, last = town.runs(subject)[0], town.run_id(subject)
        assert first["state"]["message"] == "its process is gone"
        assert walkers(town, subject) == {first["id"], last}
    assert {len(walkers(town, subject)) for subject in (*waits, *walks)} == {1}
    everybody = (*waits, *walks, *dies)
    assert {s: did(town, s) for s in everybody} == {s: [1, 2] if s in waits else [1] for s in everybody}
    one_at_a_time(town, *everybody)


def walkers(town: Town, subject: str) -> set[object]:
    """The runs that walked; one that a busy machine left pending for a minute is replaced and never walks."""
    return {note.data["run"] for note in town.walked(subject)}


def did(town: Town, subject: str) -> list[object]:
    """What was done for the subject's decisions, as often as it was done."""
    return [fact.data["number"] for fact in town.ledger.events(subject) if fact.kind == "Did"]


def test_a_hundred_wake_ups_at_once_are_all_carried_and_none_twice(town: Town) -> None:
    crowd = [town.subject("crowd") for _ in range(100)]
    for subject in crowd:
        town.decide(subject)
    registered = {subject: town.run_id(subject) for subject in crowd}
    body = {"flow_runs": {"id": {"any_": list(registered.values())}}, "limit": 200}
    assert {run["idempotency_key"] for run in town.api("POST", "flow_runs/filter", **body)} == {
        f"{subject}:1" for subject in crowd
    }
    for run_id in registered.values():
        town.state(run_id, AWAITING)
    for subject in crowd:
        town.decide(subject)

    decided = {"id": {"any_": list(registered.values())}, "state": {"name": {"any_": ["Decided"]}}}

    def forward() -> bool:
        # Counted there: to be handed a hundred runs at each look costs more than to bring them forward.
        return town.api("POST", "flow_runs/count", flow_runs=decided) == len(crowd)

    eventually("all are brought forward", forward, DEADLINE_S)
    by_deployment = {"deployments": {"name": {"any_": ["crowd"]}}, "limit": 200}
    found = town.api("POST", "flow_runs/filter", **by_deployment)
    keys = Counter(run["idempotency_key"].rpartition(":")[0] for run in found)
    assert {subject: keys[subject] for subject in crowd} == dict.fromkeys(crowd, 1)
    assert [town.ledger.wakeup(subject).run_id for subject in crowd] == list(registered.values())


def fed(town: Town, subject: str) -> list[str]:
    """The ids of the subject's events on Prefect's feed."""
    resource = {"id": ["conveyor." + subject.replace(":", ".")]}
    found = town.api("POST", "events/filter", filter={"any_resource": resource}, limit=50)
    return sorted(event["id"] for event in found["events"])


def test_events_reach_prefects_feed_once_each_however_often_they_are_sent(town: Town) -> None:
    subject = town.subject("crowd")
    for _ in range(3):
        town.tell(subject, "Told")
    wanted = sorted(str(uuid5(NAMESPACE_URL, event.hash)) for event in town.ledger.events(subject))
    eventually("the feed has them", lambda: fed(town, subject) == wanted, DEADLINE_S)
    at = town.ledger.cursor("prefect-events")
    with closing(sqlite3.connect(town.stack.home / "ledger.db", timeout=30)) as connection, connection:
        connection.execute("UPDATE cursors SET value = 0 WHERE name = 'prefect-events'")
    eventually("all were sent again", lambda: town.ledger.cursor("prefect-events") >= at, DEADLINE_S)
    last = town.subject("crowd")
    eventually("and what came after", lambda: len(fed(town, last)) == 1, DEADLINE_S)
    assert fed(town, subject) == wanted


def test_every_flow_is_registered_and_no_deployment_names_a_folder(town: Town) -> None:
    found = {
        d["name"]: d
        for d in town.api("POST", "deployments/filter", limit=100)
        if d["name"] not in ("toy", "own", "crowd")
    }
    flows = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert {d["entrypoint"].split(".")[1] for d in found.values()} == flows
    for name, deployment in found.items():
        assert deployment["entrypoint"].startswith("flows."), name
        assert str(ROOT) not in str(deployment), name
        assert (deployment["pull_steps"] or [], deployment["path"] or "") == ([], ""), name
        assert (deployment["work_pool_name"], deployment["paused"]) == ("conveyor", False), name


def test_what_is_scheduled_and_what_hangs_on_events_is_registered(town: Town) -> None:
    found = {d["name"]: d for d in town.api("POST", "deployments/filter", limit=100)}
    schedules = {
        name: [
            (s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in deployment["schedules"]
        ]
        for name, deployment in found.items()
        if deployment["schedules"]
    }
    assert schedules == {
        "control": [("*/15 * * * *", "UTC", True)],
        "digest": [("7 * * * *", "UTC", True)],
        "reconcile": [("*/5 * * * *", "UTC", True)],
    }
    automations = town.api("POST", "automations/filter", limit=50)
    hanging = {
        action["deployment_id"]: (automation["enabled"], sorted(automation["trigger"]["expect"]))
        for automation in automations
        for action in automation["actions"]
    }
    assert hanging == {
        found["feedback"]["id"]: (True, ["conveyor.release.closed"]),
        found["retrospective"]["id"]: (True, ["conveyor.release.closed", "conveyor.release.superseded"]),
    }


def test_a_closed_release_starts_the_retrospective_by_an_event(town: Town) -> None:
    subject = "release:elsewhere:1.4.0"
    town.tell(subject, "Closed")
    deployment = town.api("GET", "deployments/name/retrospective/retrospective")["id"]
    body = {"deployments": {"id": {"any_": [deployment]}}}

    def started() -> Json | None:
        found = town.api("POST", "flow_runs/filter", **body)
        return next((run for run in found if run["parameters"].get("subject") == subject), None)

    eventually("the retrospective of this release", started, DEADLINE_S)
    assert len(town.api("POST", "flow_runs/filter", **body)) == 1


def test_what_was_decided_while_prefect_was_down_is_carried_when_it_is_back(town: Town) -> None:
    waits, walks = town.subject(), town.subject(do="hold")
    waiting(town, waits)
    town.decide(walks)
    town.begun(walks)
    town.stack.kill("server")
    town.decide(waits)
    town.tell(walks, "LetGo")
    eventually("it has done all it can", lambda: town.seen(walks) == 1, DEADLINE_S)
    town.stack.start_server()
    town.stack.wait_for_server(200)
    town.settled(waits, decided=2)
    town.settled(walks, decided=1)
    assert [len(town.runs(subject)) for subject in (waits, walks)] == [1, 1]
    one_at_a_time(town, waits, walks)
