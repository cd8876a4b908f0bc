"""Merging, taking back, voting in any order: nobody is lost or counts twice, and all can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lifecycle import merging, requests
from lifecycle.backlog import Backlog, Merged, Settled, Unmerged, apply, fold, record, requesters, voters
from lifecycle.merging import AlreadyMerged, SelfDuplicate
from lifecycle.requests import Door, Received, Request, Requester, Voted
from lifecycle.scoring import RequestSource

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEYS = ("A-1", "A-2", "A-3", "A-4")
PEOPLE = ("ada", "bo", "cy")
keys = st.sampled_from(KEYS)
people = st.sampled_from(PEOPLE)


def who(person: str) -> Requester:
    """Ada stands in the people file; the others are known by their Slack account."""
    return Requester(person=person) if person == "ada" else Requester(name="Bo", slack=person)


def received(key: str, person: str) -> Received:
    return Received(
        issue=key,
        origin=f"slack:{key}",
        door=Door.SLACK,
        source=RequestSource.MANAGEMENT,
        title="A wish",
        requester=who(person),
        at=NOW,
    )


def vote(key: str, person: str) -> Voted:
    return Voted(issue=key, who=who(person), door="slack")


def test_a_vote_is_the_same_fact_for_the_same_person_at_the_same_request() -> None:
    stream = requests.stream("A-1")
    assert vote("A-1", "ada").key(stream) == "request:A-1:Voted:person%3Aada"
    by_slack = Voted(issue="A-1", who=Requester(person="ada", slack="U1"), door="slack")
    assert by_slack.key(stream) == vote("A-1", "ada").key(stream)
    assert vote("A-1", "bo").key(stream) != vote("A-1", "cy").key(stream)
    assert requests.parse(vote("A-1", "bo").model_dump(mode="json")) == vote("A-1", "bo")


def test_who_asked_is_no_voter_and_a_merge_brings_the_votes_along() -> None:
    own = {
        "A-1": requests.fold([received("A-1", "ada"), vote("A-1", "bo")]),
        "A-2": requests.fold([received("A-2", "bo"), vote("A-2", "ada"), vote("A-2", "cy")]),
    }
    assert voters("A-1", Backlog(), own) == (who("bo"),)
    merged = Merged(issue="A-2", into="A-1", round=1, person="mara", door="slack")
    state = apply(Backlog(), merged)
    assert requesters("A-1", state, own) == (who("ada"), who("bo"))
    assert voters("A-1", state, own) == (who("cy"),)
    assert record("A-1", state, own)["votes"] == 1


class Wishes(RuleBasedStateMachine):
    """Everybody merges, takes back, votes and is refused as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Merged | Unmerged | Settled] = []
        self.own = {key: Request(received=(received(key, PEOPLE[at % 3]),)) for at, key in enumerate(KEYS)}

    @property
    def state(self) -> Backlog:
        return fold(fact.model_dump(mode="json") for fact in self.history)

    @rule(issue=keys, into=keys, person=people)
    def somebody_merges(self, issue: str, into: str, person: str) -> None:
        state = self.state
        round_ = state.rounds.get(issue, 0) + 1
        fact = Merged(issue=issue, into=into, round=round_, person=person, door="slack")
        try:
            apply(state, fact)
        except (SelfDuplicate, AlreadyMerged):
            return
        self.history.append(fact)

    @rule(issue=keys)
    def somebody_takes_it_back(self, issue: str) -> None:
        before = self.state
        standing = before.standing.get(issue)
        if standing is None:
            return
        back = Unmerged(issue=issue, into=standing.into, round=standing.round, person="ada", door="slack")
        self.history.append(back)
        assert merging.original_of(self.state.merges, issue) == issue
        assert self.state.rounds == before.rounds

    @rule(refused=st.sampled_from(["", "it is in work"]))
    def jira_follows_or_refuses(self, refused: str) -> None:
        """In order, and only what still stands is refused: what was taken back meanwhile is off already."""
        state = self.state
        for fact in state.pending[:1]:
            why = refused if state.standing.get(fact.issue) == fact else ""
            self.history.append(Settled(issue=fact.issue, round=fact.round, verb=fact.kind, refused=why))
            assert self.state.pending == state.pending[1:]

    @rule(key=keys, person=people)
    def somebody_votes(self, key: str, person: str) -> None:
        """As the ledger does it: the same fact told twice is told once."""
        fact, known, stream = vote(key, person), self.own[key], requests.stream(key)
        if fact.key(stream) not in {each.key(stream) for each in known.voted}:
            self.own[key] = known.model_copy(update={"voted": (*known.voted, fact)})

    @invariant()
    def everybody_counts_once_and_nobody_is_lost(self) -> None:
        state = self.state
        roots = [key for key in KEYS if key not in state.merges.originals]
        members = {root: (root, *merging.duplicates_of(state.merges, root)) for root in roots}
        assert sorted(key for group in members.values() for key in group) == sorted(KEYS)
        for root, group in members.items():
            asked = [one.identity for one in requesters(root, state, self.own)]
            voted = [one.identity for one in voters(root, state, self.own)]
            assert len(set(asked + voted)) == len(asked + voted)
            assert set(asked) == {self.own[key].received[0].requester.identity for key in group}
            assert set(voted) == {each.voter for key in group for each in self.own[key].voted} - set(asked)

    @invariant()
    def taking_every_merge_back_restores_each_request(self) -> None:
        state = self.state
        for issue, standing in list(state.standing.items()):
            back = Unmerged(issue=issue, into=standing.into, round=standing.round, person="bo", door="cli")
            state = apply(state, back)
        assert state.merges.originals == {}
        for key in KEYS:
            assert requesters(key, state, self.own) == (self.own[key].received[0].requester,)


TestWishes = Wishes.TestCase
