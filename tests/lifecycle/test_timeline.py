"""A release's history as a page that a person reads."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from lifecycle import events as e
from lifecycle.readings import Reading
from lifecycle.timeline import page, sentence
from lifecycle.watch import Firing, Observation
from tests.lifecycle.facts import MODELS, pools
from tests.lifecycle.story import NOW, Story, sha, signed_off


def seen(*, ok: bool) -> tuple[Observation, ...]:
    return (Observation(at=NOW, probe="cart", ok=ok), Observation(at=NOW, probe="health", ok=True))


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (
            e.CandidateCut(number=2, tag="1.4.0-rc.2", sha=sha(2), branch="release/1.4.0"),
            "candidate `1.4.0-rc.2` cut at `00000000`",
        ),
        (e.CandidateRejected(number=2, reasons=("red", "slow")), "candidate 2 rejected: red; slow"),
        (Story.signature("quinn", "r", "qa"), "quinn signed as qa (by cli)"),
        (
            e.Returned(request="r", step="qa", issue="SHOP-1", person="quinn", reason="no", door="cli"),
            "quinn returned SHOP-1: no",
        ),
        (
            e.Returned(request="r", step="check", issue=None, person="mara", reason="no", door="cli"),
            "mara returned the release: no",
        ),
        (e.StepPassed(step="qa", number=2), "qa passed for candidate 2"),
        (e.Held(round=1, person="mara", reason="a holiday"), "mara held the release: a holiday"),
        (e.Held(round=1, person=None, reason="rolled back"), "held: rolled back"),
        (e.WatchTicked(tick=3, at=NOW, observations=seen(ok=False)), "tick 3: bad: cart"),
        (e.WatchTicked(tick=3, at=NOW, observations=seen(ok=True)), "tick 3: healthy"),
        (
            e.WatchTicked(
                tick=3,
                at=NOW,
                observations=seen(ok=False),
                firing=(Firing(fingerprint="f", name="OrdersLost", since=NOW),),
            ),
            "tick 3: bad: cart, OrdersLost",
        ),
        (
            e.WatchTicked(
                tick=7,
                at=NOW,
                observations=seen(ok=True),
                readings=(Reading(at=NOW, metric="p95", missing="no data"), Reading(at=NOW, metric="cpu")),
                missed=3,
            ),
            "tick 7: healthy; p95 was not read: no data; ticks 4 to 6 were missed",
        ),
        (e.WatchTicked(tick=7, at=NOW, observations=(), missed=1), "tick 7: healthy; tick 6 was missed"),
        (e.WatchEnded(verdict="healthy"), "the watch ended healthy"),
        (
            e.WatchEnded(verdict="inconclusive", reasons=("tick 4 missed: cart", "no data")),
            "the watch ended inconclusive: tick 4 missed: cart; no data",
        ),
        (
            e.RollbackStarted(person=None, reasons=("bad cart",), to_tag="1.3.0", to_sha=sha(0)),
            "rolling back to `1.3.0`: bad cart",
        ),
        (
            e.RollbackStarted(
                person="gerd", reasons=("bad",), to_tag="1.3.0", to_sha=sha(0), unsafe=("0002 stays",)
            ),
            "gerd rolls it back to `1.3.0`: bad (forced, although 0002 stays)",
        ),
        (e.RolledBack(to_sha=sha(0), pipeline_id=1, at=NOW), "production serves the earlier version again"),
        (
            e.RolledBack(to_sha=sha(0), pipeline_id=1, at=NOW, took_s=6.23),
            "production serves the earlier version again, 6.2 s later",
        ),
        (
            e.RolledBack(to_sha=sha(0), pipeline_id=1, at=NOW, took_s=6.23, seen=seen(ok=False)),
            "production serves the earlier version again, 6.2 s later; still bad: cart",
        ),
        (
            e.Rehearsed(number=2, to_tag="1.3.0", back_s=2.04, forward_s=3, ok=True),
            "rehearsed: back to `1.3.0` in 2.0 s, forward in 3.0 s",
        ),
        (e.Rehearsed(number=2, ok=True, reason="nothing is there"), "nothing to rehearse: nothing is there"),
        (e.Rehearsed(number=2, ok=False, reason="0002 stays"), "candidate 2 cannot come back: 0002 stays"),
        (
            e.FeedbackGiven(request="r", person="clara", issue="SHOP-1", answer="partly"),
            "clara on SHOP-1: partly",
        ),
        (
            e.FeedbackGiven(
                request="r", person="Bob", issue="SHOP-1", answer="not", score=1, entered_by="mara"
            ),
            "Bob on SHOP-1: not: 1 of 5; entered by mara",
        ),
        (e.Resumed(round=1, person="mara"), "mara released the hold"),
        (e.Resumed(round=1, person="mara", reason="it is over"), "mara released the hold: it is over"),
        (
            Story.signature("quinn", "r", "qa").model_copy(update={"comment": "well done"}),
            "quinn signed as qa (by cli): well done",
        ),
        (
            e.SignOffWithdrawn(request="r", role="qa", person="quinn", round=1, reason="wrong tab"),
            "quinn took back having signed as qa: wrong tab",
        ),
        (
            e.ScopeChangeApproved(
                request="r", person="dora", roles=("lead", "product"), instead_of="mara", door="cli"
            ),
            "dora approved the change of scope as lead and product for mara (by cli)",
        ),
        (
            e.ScopeChangeApproved(request="r", person="dora", door="slack"),
            "dora approved the change of scope as one of the team (by slack)",
        ),
        (
            e.CandidateCut(number=1, tag="1.4.0-rc.1", sha="a" * 40, branch="main", unfinished=("SHOP-2",)),
            "candidate `1.4.0-rc.1` cut at `aaaaaaaa`, without SHOP-2",
        ),
        (e.CandidateAsked(number=2, person="olli", reason="a typo"), "olli asked for candidate 2: a typo"),
        (
            e.ScopeChangeRefused(request="r", person=None, reason="it conflicts", door="flow"),
            "Conveyor refused the change of scope (by flow): it conflicts",
        ),
    ],
)
def test_an_event_is_told_in_a_persons_words(event: e.ReleaseEvent, says: str) -> None:
    assert sentence(event) == says


@pytest.mark.parametrize("kind", e.KINDS)
def test_every_event_is_told_in_words_not_by_its_name_in_the_code(kind: str) -> None:
    around = {**{name: values[0] for name, values in pools(None).items()}, "number": 1, "reason": "x"}
    fields = {name: value for name, value in around.items() if name in MODELS[kind].model_fields}
    told = sentence(e.parse(MODELS[kind].model_validate(fields)))
    assert kind not in told
    assert " " in told


def test_what_was_asked_names_the_issue_or_the_release() -> None:
    story = signed_off()
    told = [sentence(ask) for ask in story.release.asked]
    assert told[0] == "qa: sign-off of SHOP-1 asked for"
    assert told[-1] == "approval: sign-off of the release asked for"


def test_with_its_release_a_signature_says_what_it_is_on() -> None:
    story = signed_off()
    signed = [event for event in story.events if isinstance(event, e.SignOffGiven)]
    told = [sentence(event, story.release) for event in signed]
    assert told[0] == "quinn signed SHOP-1 as qa (by cli)"
    assert told[-1] == "gerd signed the release as management (by cli)"


def test_the_page_shows_phase_links_issues_and_the_history_in_order() -> None:
    story = Story("SHOP-1", "SHOP-2", titles={"SHOP-1": "Empty cart"}).cut()
    history = [(NOW + timedelta(seconds=n), event) for n, event in enumerate(story.events)]
    shown = page(story.release, history, {"Jira": "http://jira.example", "Slack": "http://slack.example"}, "")
    assert shown.splitlines() == [
        "# shop 1.4.0: Verifying",
        "",
        "[Jira](http://jira.example) · [Slack](http://slack.example)",
        "",
        "- **SHOP-1** Empty cart",
        "- **SHOP-2**",
        "",
        "| when (UTC) | what |",
        "| --- | --- |",
        "| 2026-10-16 10:00:00 | planned with SHOP-1, SHOP-2 |",
        "| 2026-10-16 10:00:01 | candidate `1.4.0-rc.1` cut at `00000000` |",
    ]


def test_the_page_says_what_the_release_waits_for() -> None:
    assert page(Story().release, [], {}, "Awaiting QA 2 of 3").splitlines()[1] == "*Awaiting QA 2 of 3*"


def test_what_a_person_wrote_does_not_break_the_table() -> None:
    held = e.Held(round=1, person="mara", reason="one | two\nthree")
    row = page(Story().release, [(NOW, held)], {}, "").splitlines()[-1]
    assert row == "| 2026-10-16 10:00:00 | mara held the release: one \\| two three |"


def test_times_are_told_in_utc_whatever_zone_they_came_in() -> None:
    in_berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    assert "| 2026-10-16 10:00:00 |" in page(Story().release, [(in_berlin, e.Closed())], {}, "")
