"""`conveyor plan ...`: reading a plan, what changed since its closing, and changing it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lifecycle import events as e
from lifecycle import planning, review, scope
from lifecycle.scope import ScopeLine
from lifecycle.scoring import Request, RequestSource, Weights
from tests.cli.world import START, Cli, Team

STREAM, REVIEW = "release:shop:1.4.0", "review:shop:2026-W40"


def planned(*keys: str, blocks: Sequence[str] = (), version: str = "1.4.0") -> e.Planned:
    """A plan as a review leaves it; the first issue blocks `blocks`."""
    lines = [
        ScopeLine(key=key, title=f"Wish {key}", size=3, blocked_by=keys[:1] if key in blocks else ())
        for key in keys
    ]
    made = scope.Scope(version=version, lines=tuple(lines), capacity=8)
    return e.Planned(
        project="shop",
        version=version,
        issues=keys,
        titles={line.key: line.title for line in lines},
        base="main",
        plan_hash=made.plan_hash,
        started_by="mara",
        review=REVIEW,
        lines=made.lines,
        capacity=8,
    )


def closed(cli: Cli, *keys: str) -> None:
    """The review that decided it."""
    found = [Request(key=k, title=f"Wish {k}", source=RequestSource.CLIENT, created=START) for k in keys]
    plan = planning.propose(found, 8, START, Weights(), "1.4.0")
    cli.record(
        REVIEW,
        review.Proposed(proposal="p", plan=plan, open=len(keys), due=START),
        review.LineDecided(
            line="p.x",
            round=1,
            issue=keys[0],
            decision=planning.Decision.ACCEPT,
            reason="yes",
            person="olli",
            door="cli",
        ),
        review.ReviewClosed(person="mara", door="slack"),
        review.PlanClosed(version="1.4.0", issues=keys, wiki="http://gitlab/wiki", left_out=("ranks: none",)),
    )


def asked(
    add: str = "SHOP-9", remove: tuple[str, ...] = ("SHOP-2",), request: str = "c1"
) -> e.ScopeChangeAsked:
    plan = planned("SHOP-1", "SHOP-2", blocks=["SHOP-2"])
    line = ScopeLine(key=add, title="Gift wrap", size=5)
    after = scope.changed(scope.Scope(version="1.4.0", lines=plan.lines, capacity=8), [line], remove)
    return e.ScopeChangeAsked(
        request=request,
        add=(line,),
        remove=remove,
        plan_hash=plan.plan_hash,
        new_hash=after.plan_hash,
        why="the client asked",
        person="olli",
        door="cli",
        due=START,
    )


@pytest.fixture
def plan(cli: Cli) -> Cli:
    closed(cli, "SHOP-1", "SHOP-2")
    cli.record(STREAM, planned("SHOP-1", "SHOP-2", blocks=["SHOP-2"]))
    return cli


def test_without_a_plan_there_is_none_to_show(cli: Cli) -> None:
    for tokens in (("plan", "show"), ("plan", "show", "9.9.9"), ("plan", "diff", "9.9.9")):
        said = cli.run(*tokens)
        assert (said.code, said.out) == (2, "")


def test_a_plan_is_shown_wave_by_wave_with_who_decided(plan: Cli) -> None:
    said = plan.run("plan", "show", "1.4.0")
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert lines[0] == ["shop:1.4.0: 6 of 8 points, closed by mara, Planned"]
    assert lines[2][:6] == ["1", "SHOP-1", "3", "Wish SHOP-1", "", "olli"]
    assert lines[3][:6] == ["2", "SHOP-2", "3", "Wish SHOP-2", "SHOP-1", ""]
    assert lines[4] == ["http://gitlab/wiki"]


def test_the_plan_that_was_made_last_is_shown_if_none_is_named(plan: Cli) -> None:
    plan.record("release:shop:1.10.0", planned("SHOP-7", version="1.10.0"))
    plan.record("release:shop:1.5.0", planned("SHOP-8", version="1.5.0"))
    assert plan.run("plan", "show", "--json").json["version"] == "1.5.0"


def test_the_graph_can_be_printed_alone(plan: Cli) -> None:
    said = plan.run("plan", "show", "1.4.0", "--mermaid").out.splitlines()
    assert said[0] == "graph LR"
    assert said[-1] == "  issue1 --> issue2"


def test_changes_since_the_closing_are_shown_and_what_waits(plan: Cli) -> None:
    plan.record(STREAM, asked())
    waiting = plan.run("plan", "show", "--json").json
    assert waiting["waiting"] == "+ SHOP-9, - SHOP-2: the client asked (asked by olli)"
    assert (waiting["changes"], waiting["waves"]) == ([], [["SHOP-1"], ["SHOP-2"]])
    fact = asked()
    plan.record(
        STREAM,
        e.ScopeChangeApproved(request="c1", person="mara", roles=("product",), door="slack"),
        e.ScopeChanged(request="c1", plan_hash=fact.new_hash, issues=("SHOP-1", "SHOP-9")),
    )
    shown = plan.run("plan", "show", "1.4.0").out
    assert "changed: + SHOP-9, - SHOP-2: the client asked (asked by olli, approved by mara)" in shown
    facts = plan.run("plan", "show", "--json").json
    assert [line["key"] for line in facts["lines"]] == ["SHOP-1", "SHOP-9"]
    assert facts["lines"][1]["by"] == "olli"
    assert facts["plan_hash"] == fact.new_hash


def test_a_change_is_decided_at_the_command_line(plan: Cli) -> None:
    plan.record(STREAM, asked())
    refused = plan.run("plan", "approve", "1.4.0", "--as", "dora")
    assert refused.code == 3
    assert refused.err == "conveyor: Not approved: a change of scope is decided by lead and product.\n"
    first = plan.run("plan", "approve", "1.4.0", "--as", "mara")
    assert (first.code, first.out) == (0, "Approved; still to approve: lead.\n")
    assert plan.run("plan", "approve", "1.4.0", "--as", "olli", "--json").json["accepted"] is True
    assert plan.kinds(STREAM)[-2:] == ["ScopeChangeApproved", "ScopeChanged"]
    again = plan.run("plan", "approve", "1.4.0", "--as", "olli", "--json")
    assert (again.code, again.json["repeated"]) == (0, True)
    assert plan.ledger.wakeup(STREAM).pending


def test_a_change_is_refused_with_its_reason_and_then_none_waits(plan: Cli) -> None:
    assert plan.run("plan", "refuse", "1.4.0", "--reason", "no", "--as", "mara").code == 3
    plan.record(STREAM, asked())
    assert plan.run("plan", "refuse", "1.4.0", "--reason", "next time", "--as", "mara").code == 0
    assert plan.kinds(STREAM)[-1] == "ScopeChangeRefused"
    said = plan.run("plan", "approve", "1.4.0", "--as", "olli")
    assert (said.code, said.err) == (3, "conveyor: no change of the scope of 1.4.0 waits for a decision\n")


def test_a_change_is_asked_for_and_the_difference_told(shop: Cli, team: Team) -> None:
    first, second, third = (team.issue(title) for title in ("Sum", "Vouchers", "Gift wrap"))
    shop.record(STREAM, planned(first, second))
    nothing = shop.run("plan", "change", "1.4.0", "--why", "x", "--as", "olli")
    assert (nothing.code, nothing.err) == (3, "conveyor: Not asked: name an issue to add or to remove.\n")
    tokens = ("plan", "change", "1.4.0", "--add", third, "--remove", second, "--why", "the client asked")
    said = shop.run(*tokens, "--as", "olli")
    assert (said.code, said.out) == (0, "Asked: it takes effect once lead and product approved.\n")
    assert shop.run(*tokens, "--as", "olli", "--json").json["repeated"] is True
    other = shop.run("plan", "change", "1.4.0", "--remove", first, "--why", "x", "--as", "olli")
    assert "another change waits" in other.err
    for who in ("mara", "olli"):
        assert shop.run("plan", "approve", "1.4.0", "--as", who).code == 0
    differs = shop.run("plan", "diff", "1.4.0", "--json").json
    assert differs["since_closing"] == [
        f"+ {third} Gift wrap (3 points)",
        f"- {second} Wish {second} (3 points)",
        "points: 6 -> 6 of 8",
    ]
    assert differs["jira"] == {"only_jira": [], "only_plan": [first, third]}
