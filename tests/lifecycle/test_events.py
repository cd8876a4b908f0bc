"""Facts: what is no fact, which facts are the same one, and the way through the ledger and back."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle import events as e
from tests.lifecycle.facts import MODELS, any_fact
from tests.lifecycle.story import NOW, STREAM, sha

RETURNED = {"kind": "Returned", "request": "r", "step": "qa", "issue": None, "person": "quinn", "door": "cli"}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "Deleted"},
        {"kind": "StepPassed", "step": "qa"},
        {"kind": "StepPassed", "step": "qa", "number": 1, "colour": "red"},
        {**RETURNED, "reason": ""},
        {"kind": "RollbackStarted", "person": None, "reasons": [], "to_tag": "1.3.0", "to_sha": sha(1)},
        {"kind": "FeedbackGiven", "request": "r", "person": "c", "issue": "SHOP-1", "answer": "maybe"},
        {"kind": "FeedbackGiven", "request": "r", "person": "c", "issue": "S-1", "answer": "not", "score": 6},
        "StepPassed",
    ],
)
def test_what_is_no_fact_is_refused(data: object) -> None:
    with pytest.raises(ValidationError):
        e.parse(data)


@pytest.mark.parametrize("wrong", ["", sha(1)[:8], sha(1).upper().replace("0", "A"), sha(1) + "\n", "g" * 40])
def test_a_commit_is_named_by_its_full_id(wrong: str) -> None:
    with pytest.raises(ValidationError, match="sha"):
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=wrong, branch="release/1.4.0")


def test_a_candidate_from_before_its_files_were_told_is_still_understood() -> None:
    told = {
        "kind": "CandidateCut",
        "number": 1,
        "tag": "1.4.0-rc.1",
        "sha": sha(1),
        "branch": "release/1.4.0",
    }
    fact = e.parse({**told, "digests": {}, "authors": ["dora"], "strangers": [], "commits": []})
    assert isinstance(fact, e.CandidateCut)
    assert (fact.since, fact.files, fact.files_total) == ("", (), 0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="at"):
        e.RolledBack(to_sha=sha(1), pipeline_id=1, at=NOW.replace(tzinfo=None))


def test_a_fact_cannot_be_changed() -> None:
    fact = e.StepPassed(step="qa", number=1)
    with pytest.raises(ValidationError, match="frozen"):
        fact.__setattr__("number", 2)


@given(any_fact())
def test_every_fact_comes_back_from_json_as_it_was(fact: e.ReleaseEvent) -> None:
    assert e.parse(json.loads(json.dumps(fact.model_dump(mode="json")))) == fact


def test_every_kind_is_listed_once() -> None:
    assert len(set(e.KINDS)) == len(e.KINDS) == 44
    assert e.KINDS[0] == "Planned"


_words = st.text(alphabet="a:%3A\n ", max_size=4)
_values = {"number": st.integers(0, 3), "round": st.integers(0, 3), "attempt": st.integers(0, 3)}


@given(st.sampled_from(e.KINDS), st.data())
def test_two_facts_have_one_key_only_if_they_are_the_same_fact(kind: str, data: st.DataObject) -> None:
    """Whatever people, roles and requests are called: also with the key's own colons in the name."""
    model = MODELS[kind]

    def told() -> tuple[tuple[Any, ...], str]:
        named = {name: data.draw(_values.get(name, _words), label=name) for name in model.identity}
        fact = model.model_construct(None, kind=kind, **named)
        return tuple(named.values()), fact.key(STREAM)

    (one, its_key), (other, other_key) = told(), told()
    assert (its_key == other_key) == (one == other)


def test_what_only_describes_a_fact_is_no_part_of_its_key() -> None:
    by_slack = e.SignOffGiven(request="r", role="qa", person="quinn", door="slack", comment="looks good")
    by_cli = e.SignOffGiven(request="r", role="qa", person="quinn", door="cli")
    assert by_slack.key(STREAM) == by_cli.key(STREAM)


@given(any_fact(), any_fact())
def test_facts_of_two_kinds_never_share_a_key(one: e.ReleaseEvent, other: e.ReleaseEvent) -> None:
    assert one.kind == other.kind or one.key(STREAM) != other.key(STREAM)


def test_a_request_is_found_by_its_id_alone_whatever_release_it_belongs_to() -> None:
    given_by = e.SignOffGiven(request="abc", role="qa", person="quinn", door="cli")
    assert (
        given_by.key("release:shop:1.4.0")
        == given_by.key("release:shop:1.5.0")
        == "SignOffGiven:abc:qa:quinn:1"
    )


def test_facts_of_two_releases_differ() -> None:
    keys = [e.StepPassed(step="qa", number=1).key(f"release:shop:{v}") for v in ("1.4.0", "1.5.0", "1.4")]
    assert all(one != other for one, other in combinations(keys, 2))
