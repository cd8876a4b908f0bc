"""Merges of a project: one history, no circles, every requester once, and all of it can be taken back."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.backlog import Backlog, Merged, Settled, Unmerged, apply, fold, record, requesters, stream
from lifecycle.merging import AlreadyMerged, SelfDuplicate
from lifecycle.requests import Door, Received, Request, Requester, Voted
from lifecycle.scoring import RequestSource

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEYS = ("A-1", "A-2", "A-3", "A-4")


def merged(issue: str, into: str, round_: int = 1) -> Merged:
    return Merged(issue=issue, into=into, round=round_, person="mara", door="slack")


def unmerged(issue: str, into: str, round_: int = 1) -> Unmerged:
    return Unmerged(issue=issue, into=into, round=round_, person="mara", door="slack")


def settled(issue: str, verb: str = "Merged", refused: str = "", round_: int = 1) -> Settled:
    return Settled.model_validate({"issue": issue, "round": round_, "verb": verb, "refused": refused})


def asked(*who: str) -> Request:
    return Request(
        received=tuple(
            Received(
                issue="A-1",
                origin=f"slack:{person}",
                door=Door.SLACK,
                source=RequestSource.MANAGEMENT,
                title="A wish",
                requester=Requester(person=person),
                at=NOW,
            )
            for person in who
        )
    )


def voted(issue: str, person: str) -> Voted:
    return Voted(issue=issue, who=Requester(person=person), door="slack")


def names(issue: str, state: Backlog, own: Mapping[str, Request]) -> list[str]:
    return [who.person for who in requesters(issue, state, own)]


def test_a_request_is_not_its_own_duplicate_neither_at_once_nor_around_a_corner() -> None:
    with pytest.raises(SelfDuplicate):
        apply(Backlog(), merged("A-1", "A-1"))
    state = apply(Backlog(), merged("A-1", "A-2"))
    with pytest.raises(SelfDuplicate):
        apply(state, merged("A-2", "A-1"))
    with pytest.raises(AlreadyMerged):
        apply(state, merged("A-1", "A-3", 2))


def test_what_jira_does_not_show_yet_is_pending_in_order() -> None:
    facts = [merged("A-1", "A-2"), unmerged("A-1", "A-2"), merged("A-3", "A-2")]
    state = fold(fact.model_dump(mode="json") for fact in facts)
    assert state.pending == tuple(facts)
    state = apply(state, settled("A-1"))
    assert state.pending == tuple(facts[1:])
    assert apply(apply(state, settled("A-1", "Unmerged")), settled("A-3")).pending == ()


def test_other_kinds_of_the_projects_stream_are_left_out() -> None:
    assert fold([{"kind": "HotfixAsked"}, {}]) == Backlog()
    assert stream("shop") == "project:shop"


def test_a_refused_merge_is_off_and_says_why_until_the_next_one() -> None:
    state = apply(apply(Backlog(), merged("A-1", "A-2")), settled("A-1", refused="it is in QA by now"))
    assert (state.standing, state.merges.originals) == ({}, {})
    assert state.refused == {"A-1": "it is in QA by now"}
    assert apply(state, merged("A-1", "A-2", 2)).refused == {}


def test_requesters_are_kept_once_the_originals_first_and_restored_by_taking_back() -> None:
    own = {"A-1": asked("ada", "bo"), "A-2": asked("cy", "ada"), "A-3": asked("dee")}
    state = apply(Backlog(), merged("A-3", "A-2"))
    state = apply(state, merged("A-2", "A-1"))
    assert names("A-1", state, own) == ["ada", "bo", "dee", "cy"]
    state = apply(state, unmerged("A-2", "A-1"))
    assert names("A-1", state, own) == ["ada", "bo"]
    assert names("A-2", state, own) == ["cy", "ada", "dee"]


def test_the_property_shows_source_requesters_and_duplicates() -> None:
    own = {"A-1": asked("ada"), "A-2": asked("bo")}
    state = apply(Backlog(), merged("A-2", "A-1"))
    own["A-2"] = own["A-2"].model_copy(update={"voted": (voted("A-2", "ada"), voted("A-2", "cy"))})
    assert record("A-1", state, own) == {
        "source": "management",
        "origin": "slack:ada",
        "requesters": [{"person": "ada"}, {"person": "bo"}],
        "duplicates": ["A-2"],
        "original": "",
        "votes": 1,
    }
    assert record("A-2", state, own)["original"] == "A-1"
    assert record("A-9", state, {})["requesters"] == []


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=20))
def test_whatever_is_merged_and_taken_back_no_requester_is_lost_or_doubled(
    steps: list[tuple[bool, str, str]],
) -> None:
    own = {key: asked(f"of {key}", "everybody") for key in KEYS}
    state = Backlog()
    for merging, issue, into in steps:
        standing = state.standing.get(issue)
        if merging:
            try:
                state = apply(state, merged(issue, into, state.rounds.get(issue, 0) + 1))
            except (SelfDuplicate, AlreadyMerged):
                continue
        elif standing:
            state = apply(state, unmerged(issue, standing.into, standing.round))
    roots = [key for key in KEYS if key not in state.merges.originals]
    kept = [name for root in roots for name in names(root, state, own) if name != "everybody"]
    assert sorted(kept) == sorted(f"of {key}" for key in KEYS)
    for root in roots:
        assert names(root, state, own).count("everybody") == 1
    for issue, standing in list(state.standing.items()):
        state = apply(state, unmerged(issue, standing.into, standing.round))
    assert {key: names(key, state, own) for key in KEYS} == {key: [f"of {key}", "everybody"] for key in KEYS}
