"""How far a request is, in a client's words, and how it is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.phases import Phase
from lifecycle.progress import Delivery, Listed, Progress, State, Wanted, folded, found, progress
from lifecycle.scoring import RequestSource
from lifecycle.workflow import Status

LIVE = datetime(2026, 11, 3, 23, 59, tzinfo=UTC)
STATUSES = st.none() | st.sampled_from(Status)
VERSIONS = st.lists(st.sampled_from(["1.3.0", "1.4.0", "2.0.0"]), max_size=3)
DELIVERIES = st.lists(
    st.builds(
        Delivery, st.sampled_from(["1.4.0", "1.5.0"]), st.sampled_from(Phase), st.none() | st.just(LIVE)
    ),
    max_size=4,
)


@pytest.mark.parametrize(
    ("status", "versions", "words", "state"),
    [
        (Status.TO_DO, (), "we have it", State.OPEN),
        (None, (), "we have it", State.OPEN),
        (Status.TO_DO, ("1.3.0", "1.4.0"), "planned for 1.4.0", State.PLANNED),
        (None, ("1.4.0",), "planned for 1.4.0", State.PLANNED),
        (Status.IN_PROGRESS, (), "in work", State.IN_WORK),
        (Status.CODE_REVIEW, ("1.4.0",), "in work", State.IN_WORK),
        (Status.QA, ("1.4.0",), "being tested", State.TESTED),
        (Status.WAITING_RELEASE, ("1.4.0",), "done, comes with 1.4.0", State.DONE),
        (Status.WAITING_RELEASE, (), "done, waits for its release", State.DONE),
        (Status.RELEASED, ("1.4.0",), "live", State.LIVE),
        (Status.CLOSED, (), "closed", State.CLOSED),
    ],
)
def test_what_jira_says_in_words(
    status: Status | None, versions: tuple[str, ...], words: str, state: State
) -> None:
    assert progress(status, versions) == (state, words, versions[-1] if versions else "")


@pytest.mark.parametrize("phase", [Phase.WATCHING, Phase.FEEDBACK, Phase.CLOSED])
def test_what_production_runs_is_live_whatever_jira_says(phase: Phase) -> None:
    told = progress(Status.QA, ("1.3.0",), [Delivery("1.4.0", phase, LIVE)])
    assert told == (State.LIVE, "live since 2026-11-03", "1.4.0")
    assert progress(None, (), [Delivery("1.4.0", phase)]).words == "live"


@pytest.mark.parametrize("phase", [Phase.ROLLING_BACK, Phase.ROLLED_BACK])
def test_what_was_taken_back_is_live_no_more(phase: Phase) -> None:
    told = progress(Status.RELEASED, ("1.4.0",), [Delivery("1.4.0", phase, LIVE)])
    assert told == (State.IN_WORK, "taken back from production, in work again", "1.4.0")


def test_a_release_names_the_version_before_jira_does() -> None:
    assert progress(Status.TO_DO, (), [Delivery("1.4.0", Phase.PLANNED)]).words == "planned for 1.4.0"


def test_a_release_that_was_given_up_promises_nothing() -> None:
    deliveries = [Delivery("1.4.0", Phase.ABANDONED), Delivery("1.5.0", Phase.SUPERSEDED, LIVE)]
    assert progress(Status.TO_DO, (), deliveries) == (State.OPEN, "we have it", "")


def test_a_duplicate_leads_to_its_original() -> None:
    told = progress(Status.CLOSED, ("1.4.0",), merged_into="SHOP-12")
    assert told == (State.MERGED, "merged into SHOP-12", "1.4.0")


def test_the_last_release_counts() -> None:
    deliveries = [
        Delivery("1.4.0", Phase.ROLLED_BACK, LIVE),
        Delivery("1.5.0", Phase.WATCHING, LIVE),
        Delivery("1.6.0", Phase.ABANDONED),
    ]
    assert progress(Status.RELEASED, (), deliveries).words == "live since 2026-11-03"


@given(STATUSES, VERSIONS, DELIVERIES)
def test_a_duplicate_leads_to_its_original_however_far_that_is(
    status: Status | None, versions: list[str], deliveries: list[Delivery]
) -> None:
    told = progress(status, versions, deliveries, merged_into="SHOP-12")
    assert (told.state, told.words) == (State.MERGED, "merged into SHOP-12")


@given(STATUSES, VERSIONS, DELIVERIES)
def test_words_hold_no_status_of_jira_and_name_the_version_they_promise(
    status: Status | None, versions: list[str], deliveries: list[Delivery]
) -> None:
    told = progress(status, versions, deliveries)
    assert told.words
    assert told.state is not State.MERGED
    assert "To Do" not in told.words
    if told.state is State.PLANNED:
        assert told.words == f"planned for {told.version}"
    if told.state is State.OPEN:
        assert told.version == ""


def row(number: int, title: str, **changed: object) -> Listed:
    key = f"SHOP-{number}"
    row = Listed(
        key, title, "Task", RequestSource.CLIENT, Progress(State.OPEN, "we have it"), 1, (), LIVE, ""
    )
    return row._replace(folded=folded(key, title), **changed)


ROWS = [
    row(12, "Gift WRAP for every parcel"),
    row(1, "Größe der Straße", type="Bug"),
    row(2, "סל הקניות 🛒", source=RequestSource.DEVELOPER),
    row(3, "Wrap & <b>ship</b>", progress=Progress(State.LIVE, "live")),
]


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (Wanted(), [12, 1, 2, 3]),
        (Wanted("  "), [12, 1, 2, 3]),
        (Wanted("wrap"), [12, 3]),
        (Wanted("PARCEL gift"), [12]),
        (Wanted("gift ship"), []),
        (Wanted("GRÖSSE"), [1]),
        (Wanted("🛒"), [2]),
        (Wanted("<b>"), [3]),
        (Wanted("%"), []),
        (Wanted("shop-1"), [1, 12]),
        (Wanted(source="developer"), [2]),
        (Wanted(type="Bug"), [1]),
        (Wanted(state="live"), [3]),
        (Wanted("wrap", state="open"), [12]),
        (Wanted(state="nonsense"), []),
    ],
)
def test_what_is_found(wanted: Wanted, keys: list[int]) -> None:
    assert [each.key for each in found(ROWS, wanted)] == [f"SHOP-{number}" for number in keys]


@given(st.text(max_size=8), st.sampled_from(["", *RequestSource]), st.sampled_from(["", *State]))
def test_a_filter_only_takes_away(text: str, source: str, state: str) -> None:
    those = found(ROWS, Wanted(text, source=source, state=state))
    assert set(those) <= set(found(ROWS, Wanted(text)))
    assert len(set(those)) == len(those)
