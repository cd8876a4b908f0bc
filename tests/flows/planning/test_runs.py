"""Both planning flows as Prefect runs them: one run per review, waiting in between, its steps by name."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow

from flows.intake import intake
from flows.reconcile import reconcile
from flows.weekly_review import weekly_review
from integrations.settings import settings
from lifecycle import events
from lifecycle.review_calendar import week_of
from tasks import context, planning_reconciling, plans, runs
from tasks.reconciling import Difference, mend
from tasks.review_decisions import close_review, decide_line, merge
from tasks.walk import new_events

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect")]
Team = Any
STREAM = "review:shop:2026-W42"


def start(flow: Any, **parameters: object) -> FlowRun:
    """A run of the flow, created but not begun."""
    with get_client(sync_client=True) as client:
        return client.create_flow_run(flow, parameters=parameters)


def carry(flow: Any, run: FlowRun) -> FlowRun:
    """Bring this very run forward and execute it until it ends or waits; the run afterwards."""
    present = runs.look(str(run.id))
    assert present is not None
    runs.bring_forward(present)
    with get_client(sync_client=True) as client:
        due = client.read_flow_run(run.id)
        with contextlib.suppress(Pause):
            run_flow(flow, flow_run=due, parameters=due.parameters, return_type="state")
        return client.read_flow_run(run.id)


def steps(run: FlowRun) -> list[str]:
    """The names of the run's task runs, in order."""
    with get_client(sync_client=True) as client:
        found = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])), limit=200
        )
    return [each.name for each in sorted(found, key=lambda each: each.created or datetime.now(UTC))]


def decide(team: Team, key: str, decision: str, person: str, reason: str = "") -> None:
    """Press one of a line's buttons."""
    [message] = [m for m in team.messages() if "Weekly review" in m["text"]]
    place = next(n for n, block in enumerate(message["blocks"]) if f"|{key}>" in str(block))
    value = message["blocks"][place + 1]["elements"][0]["value"]
    assert decide_line(value, decision, person, reason).accepted


def close(team: Team, person: str) -> None:
    """Press the button that closes the review."""
    [message] = [m for m in team.messages() if "Weekly review" in m["text"]]
    [value] = team.buttons(message)["review.close"]
    outcome = close_review(value, person)
    assert outcome.accepted, outcome.message


def test_three_doors_one_merge_in_two_runs(team: Team) -> None:
    first = team.file("clara", "Show the sum in the cart", "", "request")
    iid = team.gitlab("POST", "issues", "dora", title="Log failed payments", labels="request")["iid"]
    deliveries = [
        team.from_jira(first),
        team.from_gitlab(iid),
        team.from_slack("The cart should show the sum", "U0GERD", team.planning),
    ]
    run = carry(intake, start(intake, deliveries=deliveries))
    assert run.state_name == "Completed"
    assert run.state
    assert run.state.message == "SHOP-1; SHOP-2; SHOP-3"
    [alike] = team.buttons(team.messages()[-1])["request.merge"]
    merge(alike, "mara")
    assert carry(intake, start(intake)).state_name == "Completed"
    assert [team.jira().issue(key).status for key in team.issues()] == ["To Do", "To Do", "Closed"]
    assert "take in “Show the sum in the cart”" in steps(run)
    assert len(team.messages()) == 3


def test_a_delivery_that_fails_stops_no_other_and_the_run_says_so(team: Team) -> None:
    bad = team.deliver("jira", b'{"webhookEvent": "jira:issue_created", "issue": {"key": "SHOP-77"}}')
    team.fail_jira("GET /rest/api/2/issue/SHOP-77", times=9)
    good = team.from_slack("Vouchers", "U0GERD", team.planning)
    run = carry(intake, start(intake, deliveries=[bad, good]))
    assert run.state_name == "Failed"
    assert team.issues() == ["SHOP-1"]
    assert context.ledger().delivery(good).outcome == "SHOP-1"
    assert context.ledger().delivery(bad).attempts == 1


def test_one_run_from_the_agenda_to_the_plan(team: Team) -> None:
    keys = [team.file("dora", title) for title in ("Show the sum", "Vouchers", "Dark mode", "Spam")]
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    assert (run.state_name, run.name) == ("Awaiting review", "weekly review 2026-W42")
    decide(team, keys[0], "accept", "mara")
    decide(team, keys[1], "accept", "olli")
    decide(team, keys[2], "defer", "mara", "after the summer")
    decide(team, keys[3], "reject", "olli", "not ours")
    run = carry(weekly_review, run)
    assert run.state_name == "Awaiting review"
    close(team, "mara")
    run = carry(weekly_review, run)
    assert (run.state_type, run.state_name) == ("COMPLETED", "Closed")
    names = steps(run)
    assert len(names) == len(set(names))

    issues = {key: team.jira().issue(key) for key in keys}
    assert [issues[key].fix_versions for key in keys] == [("0.1.0",), ("0.1.0",), (), ()]
    assert [issues[key].status for key in keys] == ["To Do", "To Do", "To Do", "Closed"]
    assert "after the summer" in team.get(f"/issue/{keys[2]}/comment")["comments"][0]["body"]
    assert "not ours" in team.get(f"/issue/{keys[3]}/comment")["comments"][0]["body"]
    assert {team.jira().property(key, plans.PLACE)["place"] for key in keys[:2]} == {1, 2}

    [event] = context.ledger().events("release:shop:0.1.0")
    planned = events.parse(event.data)
    assert isinstance(planned, events.Planned)
    assert set(planned.issues) == set(keys[:2])
    assert (planned.review, planned.started_by, planned.base) == (STREAM, "mara", "main")
    assert context.ledger().wakeup("release:shop:0.1.0").pending

    [message] = team.messages()
    assert "release 0.1.0 starts" in str(message["blocks"])
    assert team.buttons(message) == {}
    with get_client(sync_client=True) as client:
        ours = {"artifacts": {"flow_run_id": {"any_": [str(run.id)]}}}
        [artifact] = client.request("POST", "/artifacts/filter", json=ours).json()
    assert artifact["key"] == "review-shop-2026-w42"
    assert keys[0] in str(artifact["data"])


def test_a_run_without_a_week_stays_with_the_week_it_began_in(team: Team) -> None:
    run = start(weekly_review, project="shop")
    context.ledger().run_started("review:shop:2026-W01", 1, str(run.id), datetime.now(UTC))
    run = carry(weekly_review, run)
    assert run.name == "weekly review 2026-W01"
    assert context.ledger().revision("review:shop:2026-W01") == 1


def test_a_second_run_of_the_same_week_makes_way_for_the_first(team: Team) -> None:
    first = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    second = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    assert (first.state_name, second.state_name) == ("Awaiting review", "Replaced")
    assert len(team.messages()) == 1


def test_a_review_in_which_nothing_is_accepted_closes_without_a_release(team: Team) -> None:
    key = team.file("dora", "A wish")
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    decide(team, key, "defer", "olli")
    close(team, "mara")
    run = carry(weekly_review, run)
    assert run.state_name == "Closed"
    assert context.ledger().subjects("release:") == ()
    assert team.jira().versions("SHOP") == ()
    assert "no release this time" in str(team.messages()[0]["blocks"])


def test_what_was_deleted_after_it_was_accepted_is_left_out_of_the_plan(team: Team) -> None:
    kept, gone = team.file("dora", "Kept"), team.file("dora", "Gone")
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    decide(team, kept, "accept", "olli")
    close(team, "mara")
    team.delete_issue(gone)
    run = carry(weekly_review, run)
    assert run.state_name == "Closed"
    [event] = context.ledger().events("release:shop:0.1.0")
    assert event.data["issues"] == [kept]


def test_a_version_that_somebody_else_planned_meanwhile_needs_a_person(team: Team) -> None:
    key = team.file("dora", "A wish")
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    decide(team, key, "accept", "olli")
    team.plan_release("0.1.0")
    close(team, "mara")
    run = carry(weekly_review, run)
    assert run.state_name == "Needs a person"
    assert team.jira().issue(key).fix_versions == ()


@pytest.mark.parametrize(
    "write",
    ["POST /rest/api/2/version", "PUT /rest/api/2/issue/SHOP-1", "POST /rest/api/2/issue/SHOP-2/comment"],
)
def test_a_write_without_an_answer_is_made_good_and_nothing_comes_twice(team: Team, write: str) -> None:
    keys = [team.file("dora", "A wish"), team.file("dora", "Another")]
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    decide(team, keys[0], "accept", "olli")
    decide(team, keys[1], "defer", "mara")
    close(team, "mara")
    team.fail_jira(write, times=1, do="drop_after")
    run = carry(weekly_review, run)
    assert run.state_name == "Closed"
    assert [version.name for version in team.jira().versions("SHOP")] == ["0.1.0"]
    assert [team.jira().issue(key).fix_versions for key in keys] == [("0.1.0",), ()]
    assert len(team.get(f"/issue/{keys[1]}/comment")["comments"]) == 1


def test_an_overdue_review_reminds_once_in_its_thread_and_waits_on(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    all_week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    rules["working_hours"] = {"start": "00:00", "end": "23:59:59.999999", "days": all_week}
    settings().policy.write_text(json.dumps(rules))
    proposed = plans.propose.fn("shop", STREAM, datetime.now(UTC) - timedelta(days=3))
    context.ledger().append(STREAM, new_events(STREAM, [proposed]), now=datetime.now(UTC))
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    run = carry(weekly_review, run)
    assert run.state_name == "Awaiting review"
    assert run.state
    assert (run.state.state_details.scheduled_time or datetime.now(UTC)) > datetime.now(UTC)
    [message] = team.messages()
    replies = [m["text"] for m in team.messages(thread=message["ts"]) if m["ts"] != message["ts"]]
    assert sorted(text.split(":")[0] for text in replies) == ["⏰ <@U0MARA>", "⏰ <@U0OLLI>"]


def test_what_a_crash_left_of_planning_is_found_and_woken(team: Team) -> None:
    keys = [team.file("dora", "A wish"), team.file("dora", "Another")]
    merge(team.find_alike(*keys), "mara")
    run = carry(weekly_review, start(weekly_review, project="shop", week="2026-W42"))
    context.ledger().carried("project:shop", 99, datetime.now(UTC))
    runs.bury(str(run.id), "killed")
    assert [each.subject for each in reconciling()] == [STREAM, "project:shop"]
    mend(reconciling())
    assert reconciling() == []
    assert {wakeup.subject for wakeup in context.ledger().pending_wakeups(datetime.now(UTC))} == {
        STREAM,
        "project:shop",
    }
    assert carry(intake, start(intake)).state_name == "Completed"
    assert not context.ledger().wakeup("project:shop").pending


def reconciling() -> list[Difference]:
    return [*planning_reconciling.lost_reviews(), *planning_reconciling.pending_merges()]


def test_reconcile_begins_the_review_that_the_policy_has_due(team: Team) -> None:
    rules = json.loads(settings().policy.read_text())
    rules["review"] |= {"cron": "0 0 * * *", "time_zone": "UTC"}
    settings().policy.write_text(json.dumps(rules))
    assert not any("it begins" in line for line in reconcile(dry_run=True))
    before = datetime.now(UTC)
    begun = [line for line in reconcile() if "it begins" in line]
    assert begun in [[f"review:shop:{week_of(day)} is due: it begins"] for day in (before, datetime.now(UTC))]
    assert context.ledger().wakeup(begun[0].split(" ")[0]).pending
