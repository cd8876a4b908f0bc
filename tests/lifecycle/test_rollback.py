"""Where a release may go back to, whether that is safe, and what has to wait afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import events as e
from lifecycle import rollback
from lifecycle.phases import IllegalEvent, Phase
from lifecycle.policy import Person
from lifecycle.release import Release
from lifecycle.rollback import NoWay, Served, Way
from lifecycle.watch import Firing, Observation
from tests.lifecycle.story import NOW, Story, at, going_out, live, policy, sha, signed_off

WAY = Way(version="1.4.0", attempt=1, to=Served(tag="1.3.0", sha=sha(0)), issues=("SHOP-1",))
RULES = policy(no_return=["management"])


def served(*tags: str) -> tuple[Served, ...]:
    """Production's deployments, newest first; a version's number is its commit."""
    return tuple(Served(tag=tag, sha=sha(int(tag.split(".")[1]))) for tag in tags)


def going(version: str) -> Story:
    """A release of that version which production serves."""
    number = int(version.split(".")[1])
    told = Story(version=version).cut(sha=sha(number)).stage().sign_all()
    return told.start_production(tag=version, sha=sha(number)).deploy()


def person(slug: str) -> Person:
    found = RULES.person(slug)
    assert found is not None
    return found


# Where to.


def test_a_release_that_was_never_in_production_has_no_way_back() -> None:
    with pytest.raises(NoWay, match="has not been in production"):
        rollback.targets(signed_off().release, (), {})


@pytest.mark.parametrize("phase", [Phase.ROLLING_BACK, Phase.ROLLED_BACK])
def test_what_is_over_is_not_taken_back(phase: Phase) -> None:
    with pytest.raises(NoWay, match=f"it is {phase.lower()} already"):
        rollback.targets(at(phase).release, served("1.1.0"), {})


def test_what_production_does_not_serve_is_not_taken_back() -> None:
    with pytest.raises(NoWay, match=r"production serves 1\.5\.0, not 1\.4\.0"):
        rollback.targets(going("1.4.0").release, served("1.5.0", "1.4.0", "1.3.0"), {})


def test_a_closed_release_is_taken_back_as_long_as_production_serves_it() -> None:
    closed = going("1.4.0").end_watch().tell(e.Closed()).release
    assert rollback.targets(closed, served("1.4.0", "1.3.0"), {"1.4.0": closed}) == served("1.3.0")
    with pytest.raises(NoWay, match=r"production serves 1\.5\.0, not 1\.4\.0"):
        rollback.targets(closed, served("1.5.0", "1.4.0", "1.3.0"), {"1.4.0": closed})


def test_while_another_is_on_its_way_that_one_is_to_be_taken_back() -> None:
    coming = signed_off(version="1.5.0").start_production().release
    with pytest.raises(NoWay, match=r"1\.5\.0 is on its way to production: roll that one back"):
        rollback.targets(going("1.4.0").release, served("1.4.0", "1.3.0"), {"1.5.0": coming})


def test_a_release_on_its_way_goes_back_to_what_production_still_serves() -> None:
    release = Story(version="1.4.0").cut(sha=sha(4)).stage().sign_all().start_production().release
    assert rollback.targets(release, served("1.3.0"), {}) == served("1.3.0")


def test_every_earlier_good_version_is_a_target_once_and_the_newest_comes_first() -> None:
    found = served("1.4.0", "1.3.0", "1.2.0", "1.3.0", "1.1.0")
    assert rollback.targets(going("1.4.0").release, found, {}) == served("1.3.0", "1.2.0", "1.1.0")


@pytest.mark.parametrize("bad", [going("1.3.0").start_rollback(), going("1.3.0").roll_back()])
def test_a_version_that_was_taken_back_itself_is_no_target(bad: Story) -> None:
    known = {"1.3.0": bad.release}
    found = rollback.targets(going("1.4.0").release, served("1.4.0", "1.3.0", "1.2.0"), known)
    assert found == served("1.2.0")


def test_the_target_is_the_last_one_or_the_one_that_is_named() -> None:
    found = served("1.3.0", "1.2.0")
    assert rollback.target(found, "") == found[0]
    assert rollback.target(found, "1.2.0") == found[1]
    with pytest.raises(NoWay, match=r"1\.1\.0 is no earlier good version; these are: 1\.3\.0, 1\.2\.0"):
        rollback.target(found, "1.1.0")
    with pytest.raises(NoWay, match="no earlier version"):
        rollback.target((), "")


def test_what_lies_between_came_to_production_after_the_target_first_did() -> None:
    known = {version: going(version).release for version in ("1.2.0", "1.3.0", "1.4.0")}
    history = served("1.4.0", "1.2.0", "1.3.0", "1.2.0")  # 1.3.0 was taken back in between
    assert rollback.between(history, history[1], known) == (known["1.3.0"], known["1.4.0"])
    assert rollback.between(history, served("1.3.0")[0], known) == (known["1.4.0"],)
    assert rollback.between(history, served("1.1.0")[0], known) == tuple(known.values())


# Whether it is safe.


def test_the_irreversible_migrations_of_all_that_goes_back_are_added_up() -> None:
    def verified(*migrations: str) -> Release:
        fact = e.CandidateVerified(number=1, pipeline_id=1, irreversible=migrations)
        return Story().cut().tell(fact).release

    releases = [verified("2"), verified("1", "2"), Story().release]
    assert rollback.irreversible(releases) == ("2", "1")


def test_a_safe_way_needs_the_role_and_says_who_went_it() -> None:
    with pytest.raises(NoWay, match="is for manager, management, release, devops"):
        rollback.start(WAY, person("dora"), RULES, "bad")
    way = WAY.model_copy(update={"also": ("SHOP-9",)})
    assert rollback.start(way, person("olli"), RULES, " ") == e.RollbackStarted(
        person="olli",
        reasons=("a person asked for it",),
        to_tag="1.3.0",
        to_sha=sha(0),
        also=("SHOP-9",),
    )


@pytest.mark.parametrize("more", [{"irreversible": ("0002",)}, {"contracts": ("api/v1.yaml",)}])
def test_an_unsafe_way_is_forced_with_a_reason_by_the_role_alone(more: dict[str, tuple[str, ...]]) -> None:
    way = WAY.model_copy(update=more)
    assert next(iter(more.values()))[0] in way.unsafe[0]
    for slug, reason, force, why in (
        ("gerd", "bad", False, "It can be forced by management"),
        ("olli", "bad", True, "To force it is for management"),
        ("gerd", "  ", True, "Say why it is forced"),
    ):
        with pytest.raises(NoWay, match=why):
            rollback.start(way, person(slug), RULES, reason, force=force)
    for force in (True, False):
        with pytest.raises(NoWay, match="nobody"):
            rollback.start(way, person("gerd"), policy(), "bad", force=force)
    assert rollback.start(way, person("gerd"), RULES, "bad", force=True).unsafe == way.unsafe


def test_what_was_measured_is_the_rehearsal_and_the_projects_last_rollback() -> None:
    release = Story().cut().stage().release
    assert rollback.measured(release, [release]) == ()
    rehearsed = e.Rehearsed(number=1, to_tag="1.3.0", back_s=2.04, forward_s=3, ok=True)
    shown = Story().cut().stage().tell(rehearsed).release
    assert rollback.measured(shown, [shown]) == ("rehearsed on staging in 2.0 s",)
    back = [
        live()
        .start_rollback()
        .tell(e.RolledBack(to_sha=sha(0), pipeline_id=4, at=NOW + timedelta(days=day), took_s=took))
        .release
        for day, took in ((0, 9.0), (2, 6.0), (5, None))
    ]
    said = "the last rollback (2026-10-18) took 6.0 s"
    assert rollback.measured(release, back) == (said,)


def test_what_the_watch_saw_is_told_without_what_was_well() -> None:
    seen = (
        Observation(at=NOW, probe="health", ok=True, status=200, latency_ms=5),
        Observation(at=NOW, probe="cart", ok=False, status=500, latency_ms=12),
        Observation(at=NOW, probe="shop", ok=False, latency_ms=2000, detail="timed out"),
    )
    lost = Firing(fingerprint="a", name="OrdersLost", summary="3 of 4", since=NOW)
    slow = Firing(fingerprint="b", name="Slow", since=NOW)
    assert rollback.seen_bad([e.WatchTicked(tick=1, at=NOW, observations=seen, firing=(lost, slow))]) == (
        "10:00:00 UTC cart: answered 500 in 12 ms",
        "10:00:00 UTC shop: no answer in 2000 ms (timed out)",
        "10:00:00 UTC Alertmanager's OrdersLost fires since 10:00:00 UTC: 3 of 4",
        "10:00:00 UTC Alertmanager's Slow fires since 10:00:00 UTC",
    )


def test_how_long_customers_waited_is_told_with_the_moment_it_is_counted_from() -> None:
    assert rollback.served_again(live().roll_back().release) == ()
    tick = e.WatchTicked(tick=1, at=NOW, observations=())

    def told(noticed: datetime | None, *bad: bool) -> tuple[str, ...]:
        seen = tuple(Observation(at=NOW, probe=f"p{n}", ok=not each) for n, each in enumerate(bad))
        fact = e.RolledBack(to_sha=sha(0), pipeline_id=4, at=NOW, took_s=9.26, noticed_at=noticed, seen=seen)
        return rollback.served_again(live().tell(tick).start_rollback().tell(fact).release)

    assert told(None) == ("1.3.0 served again 9.3 s later.",)
    assert told(NOW, False) == (
        "1.3.0 served again 9.3 s after the tick that showed the fault (10:00:00 UTC); all probes are well.",
    )
    assert told(NOW + timedelta(seconds=1), False, True, True) == (
        "1.3.0 served again 9.3 s after it was decided (10:00:01 UTC); still bad: p1, p2.",
    )


# What has to wait.


def test_the_watch_takes_a_release_back_by_itself_once() -> None:
    told = live()
    assert rollback.may_back_out(told.release)
    told.roll_back().resume().start_production().deploy()
    assert not rollback.may_back_out(told.release)


@pytest.mark.parametrize(
    "told",
    [
        signed_off().start_production().roll_back(),  # its deployment failed
        live().tell(e.RollbackStarted(person="olli", reasons=("x",), to_tag="1.3.0", to_sha=sha(0))),
    ],
)
def test_a_failed_deployment_and_a_person_do_not_count_as_the_watch(told: Story) -> None:
    assert rollback.may_back_out(told.release)


OTHERS = {
    "is being rolled back": live(version="1.3.9").start_rollback(),
    "is rolled back and held": live(version="1.3.9").roll_back(),
    "is in production, unhealthy and held": live(version="1.3.9").tell(
        e.Held(round=1, person=None, reason="unhealthy again")
    ),
}


@pytest.mark.parametrize("why", OTHERS)
def test_nothing_of_the_project_ships_forward_until_the_hold_is_released(why: str) -> None:
    ready, other = signed_off(), OTHERS[why]
    assert going_out(ready, others=[other.release]) == (f"1.3.9 {why}",)
    if other.release.hold:
        told = Story(version="1.3.9")
        told.events = [*other.events]
        assert going_out(ready, others=[told.resume().release]) == ()


def test_only_what_supersedes_it_may_go_out_while_it_is_held() -> None:
    other = OTHERS["is rolled back and held"].release
    hotfix = signed_off(version="1.4.0", supersedes="1.3.9", release_kind="hotfix")
    assert going_out(hotfix, others=[other]) == ()


@pytest.mark.parametrize("phase", [p for p in Phase if p not in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)])
def test_a_release_that_was_not_rolled_back_keeps_nobody_from_production(phase: Phase) -> None:
    ready, other = signed_off(), at(phase)
    if not phase.terminal:
        other.tell(e.Held(round=1, person="mara", reason="wait"))
    assert going_out(ready, others=[other.release]) == ()


# The rehearsal.


def rehearsed(**fact: object) -> Story:
    return Story().cut().stage().tell(e.Rehearsed.model_validate({"number": 1, **fact})).sign_all()


def test_where_it_is_to_be_rehearsed_only_what_came_back_goes_out() -> None:
    for told, allowed in (
        (signed_off(), False),
        (rehearsed(ok=True), True),
        (rehearsed(ok=False, reason="0002 stays"), False),
    ):
        assert (going_out(told, rehearsal=True) == ()) is allowed
        assert going_out(told) == ()
    assert rollback.unrehearsed(rehearsed(ok=False, reason="0002 stays").release) == (
        "it cannot come back: 0002 stays",
    )


def test_no_return_is_accepted_by_the_role_with_a_reason_for_this_candidate_alone() -> None:
    told = rehearsed(ok=False, reason="0002 stays")
    with pytest.raises(NoWay, match="that is for management"):
        rollback.accept_no_return(told.release, person("olli"), RULES, "why", "cli")
    with pytest.raises(NoWay, match="that is for nobody"):
        rollback.accept_no_return(told.release, person("gerd"), policy(), "why", "cli")
    with pytest.raises(NoWay, match="say why"):
        rollback.accept_no_return(told.release, person("gerd"), RULES, " ", "cli")
    fact = rollback.accept_no_return(told.release, person("gerd"), RULES, "a dump is kept", "cli")
    told.tell(fact)
    assert going_out(told, rehearsal=True) == ()
    told.cut().stage()
    assert rollback.unrehearsed(told.release) == ("it was not rehearsed on staging",)


@pytest.mark.parametrize("told", [Story().cut().stage(), rehearsed(ok=True)])
def test_nothing_is_accepted_that_nobody_needs(told: Story) -> None:
    fact = rollback.accept_no_return(told.release, person("gerd"), RULES, "why", "cli")
    with pytest.raises(IllegalEvent, match="nothing says that the candidate cannot come back"):
        told.tell(fact)


def test_a_release_without_a_candidate_has_nothing_to_accept() -> None:
    assert rollback.accept_no_return(Story().release, person("gerd"), RULES, "why", "cli").number == 0


# Any history.

MOVES = ("deploy", "unhealthy", "back by hand", "rolled back", "resume", "start")


@given(st.lists(st.sampled_from(MOVES), max_size=30))
def test_whatever_happens_the_watch_backs_out_once_and_nothing_passes_a_hold(moves: list[str]) -> None:
    told, ready = signed_off().start_production(), signed_off(version="1.5.0")
    for move in moves:
        release = told.release
        match move, release.phase:
            case "deploy", Phase.PRODUCTION:
                told.deploy()
            case "unhealthy", Phase.WATCHING if rollback.may_back_out(release):
                told.start_rollback()
            case "back by hand", Phase.PRODUCTION | Phase.WATCHING:
                way = WAY.model_copy(update={"attempt": release.attempt})
                told.tell(rollback.start(way, person("olli"), RULES, "bad"))
            case "rolled back", Phase.ROLLING_BACK:
                told.tell(e.RolledBack(to_sha=sha(0), pipeline_id=4, attempt=release.attempt, at=NOW))
            case "resume", _ if release.hold:
                told.resume()
            case "start", Phase.ROLLED_BACK if not going_out(told):
                told.start_production()
            case _:
                continue
        others = [told.release]
        forward = not going_out(ready, others=others)
        kinds = [event.kind for event in told.events]
        last_back = max((n for n, k in enumerate(kinds) if k == "RollbackStarted"), default=-1)
        released = "Resumed" in kinds[last_back:] if last_back >= 0 else True
        assert forward == released
    watch = [x for n, x in enumerate(told.events) if _by_watch(told.events, n)]
    assert len(watch) <= 1
    assert len(told.release.came_back) == sum(x.kind == "RolledBack" for x in told.events)


def _by_watch(events: list[e.ReleaseEvent], place: int) -> bool:
    """The fact there is a rollback that nobody but the watch began."""
    fact = events[place]
    return isinstance(fact, e.RollbackStarted) and fact.person is None


def test_issues_of_releases_between_are_taken_back_too_and_go_out_again() -> None:
    told = live("SHOP-1")
    fact = e.RollbackStarted(
        person="olli", reasons=("x",), to_tag="1.2.0", to_sha=sha(0), also=("SHOP-9", "SHOP-1")
    )
    assert told.release.taken_back == ("SHOP-1",)
    told.tell(fact)
    assert told.release.taken_back == ("SHOP-1", "SHOP-9")
    told.tell(e.RolledBack(to_sha=sha(0), pipeline_id=4, at=NOW)).resume().start_production()
    assert told.release.taken_back == ("SHOP-1", "SHOP-9")
