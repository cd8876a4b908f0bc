"""Nothing goes to production in a freeze, from elsewhere than staging, or past a lock: over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.stages.production import release_to_production
from lifecycle.release import Phase
from tasks import environment_messages, locking
from tasks.decisions import Decision, decide
from tests.flows.environments.conftest import NOW

Team = Any
Releases = Any
FREEZE = {"name": "fair", "from": "2026-11-19T00:00", "until": "2026-11-23T00:00"}


def go_out(releases: Releases, version: str = "1.4.0", now: datetime = NOW) -> tuple[str, str, datetime]:
    """What the release waits for instead of going out."""
    waits = releases.take(release_to_production, version, now)
    assert waits is not None
    assert releases.release(version).phase is Phase.SIGN_OFF
    return waits.name, waits.message, waits.until


def test_a_freeze_of_the_policy_holds_it_until_its_end(
    releases: Releases, change_policy: Callable[..., None]
) -> None:
    releases.signed("1.4.0")
    change_policy(freezes=[FREEZE])
    ends = datetime(2026, 11, 23, tzinfo=UTC)
    assert go_out(releases) == ("Awaiting production", "frozen: fair, until 2026-11-23 00:00 UTC", ends)
    assert not releases.team.gitlab("GET", "pipelines", "olli")


def test_gitlabs_own_freeze_period_holds_it_and_ends(team: Team, releases: Releases) -> None:
    releases.signed("1.4.0")
    times = {"freeze_start": "0 8 * * 5", "freeze_end": "0 8 * * 1", "cron_timezone": "Europe/Berlin"}
    made = team.gitlab("POST", "freeze_periods", "olli", **times)
    name, message, until = go_out(releases)
    assert (name, until) == ("Awaiting production", datetime(2026, 11, 23, 7, tzinfo=UTC))
    assert message == f"frozen: GitLab's freeze period {made['id']}, until 2026-11-23 07:00 UTC"


def test_without_an_end_it_looks_again_and_what_has_no_freeze_goes_out(
    releases: Releases, change_policy: Callable[..., None]
) -> None:
    releases.signed("1.4.0")
    change_policy(freezes=[{"name": "audit", "from": "2026-11-19T00:00"}])
    assert go_out(releases)[2] == NOW + releases.walk("1.4.0").policy.waits.poll
    change_policy(freezes=[])
    assert releases.walk("1.4.0").may_go_out.allowed
    assert releases.walk("1.4.0").take("production") is None


def test_it_soaks_on_staging_first(
    team: Team, releases: Releases, change_policy: Callable[..., None]
) -> None:
    change_policy({"soak": "2h"})
    releases.signed("1.4.0")
    since = deployed_at(team)
    assert go_out(releases, now=since)[2] == since + timedelta(hours=2)
    assert releases.walk("1.4.0", since + timedelta(hours=2)).may_go_out.allowed


def test_what_comes_back_to_staging_soaks_anew(
    team: Team, releases: Releases, change_policy: Callable[..., None]
) -> None:
    change_policy({"soak": "2h"})
    releases.signed("1.4.0")
    before = deployed_at(team)
    releases.plan("1.5.0")
    for version in ("1.5.0", "1.4.0"):
        releases.deploy("staging", version)
    since = deployed_at(team)
    assert since > before
    assert go_out(releases, now=before + timedelta(hours=2))[2] == since + timedelta(hours=2)


def deployed_at(team: Team) -> datetime:
    """When the newest deployment to staging ended, by GitLab's clock."""
    query = "deployments?environment=staging&order_by=id&sort=desc"
    newest, *_ = team.gitlab("GET", query, "olli")
    return datetime.fromisoformat(newest["finished_at"])


def test_what_staging_does_not_serve_any_more_waits(releases: Releases) -> None:
    releases.signed("1.4.0")
    releases.plan("1.5.0")
    releases.deploy("staging", "1.5.0")
    assert go_out(releases)[1].startswith(f"staging serves {releases.shas['1.5.0'][:8]}, not the candidate")
    releases.deploy("staging", "1.4.0")
    assert releases.walk("1.4.0").may_go_out.allowed


def test_a_lock_of_production_holds_it_with_owner_and_reason(team: Team, releases: Releases) -> None:
    releases.signed("1.4.0")
    locked = locking.lock("shop", "production", "olli", "the fair", "2026-11-20 12:00", "UTC", now=NOW)
    assert locked.accepted, locked.message
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert go_out(releases) == ("Awaiting environment", "production is locked by olli: the fair", noon)
    assert releases.walk("1.4.0", noon).take("production") is None


# Let out in a freeze.


def unfreeze(version: str, person: str = "olli", reason: str = "the shop is down") -> str:
    outcome = decide(Decision("unfreeze", f"release:shop:{version}", person, "cli", reason), NOW)
    return "accepted" if outcome.accepted else outcome.message


@pytest.mark.parametrize(
    ("kind", "person", "reason", "why"),
    [
        ("regular", "olli", "urgent", "Only a hotfix may go out in a freeze."),
        ("hotfix", "dora", "urgent", "To let a hotfix out in a freeze is for release."),
        ("hotfix", "olli", " ", "Not let out: say why it cannot wait."),
    ],
)
def test_who_may_not_lets_nothing_out(
    releases: Releases, kind: str, person: str, reason: str, why: str
) -> None:
    releases.plan("1.4.1", kind)
    assert unfreeze("1.4.1", person, reason) == why
    assert releases.release("1.4.1").unfrozen is None


def test_a_hotfix_goes_out_in_a_freeze_by_a_persons_word_and_everybody_hears_it_once(
    team: Team, releases: Releases, change_policy: Callable[..., None]
) -> None:
    releases.signed("1.4.1", "hotfix")
    change_policy(freezes=[FREEZE])
    assert not releases.walk("1.4.1").may_go_out.allowed
    assert unfreeze("1.4.1") == "accepted"
    assert unfreeze("1.4.1") == "accepted"  # a repeat
    assert releases.woken("1.4.1")
    for _ in range(2):
        environment_messages.tell_unfrozen.fn("release:shop:1.4.1")
    told = [
        m for m in team.messages(team.releases) if m["text"] == "Shop 1.4.1 (hotfix) may go out in a freeze"
    ]
    assert len(told) == 1
    assert "olli (release): the shop is down" in str(told[0]["blocks"])
    assert releases.walk("1.4.1").may_go_out.allowed
