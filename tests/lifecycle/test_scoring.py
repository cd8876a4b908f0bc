from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.scoring import Request, RequestSource, Weights, score, size_of

NOW = datetime(2026, 3, 2, tzinfo=UTC)
WEIGHTS = Weights()


def request(**change: object) -> Request:
    plain = {"key": "SHOP-1", "title": "Empty the cart", "source": "client", "created": NOW, "complexity": 2}
    return Request.model_validate({**plain, **change})


def total(**change: object) -> float:
    return score(request(**change), NOW, WEIGHTS).total


@pytest.mark.parametrize(
    "bad",
    [
        {"urgency": 0},
        {"importance": 6},
        {"complexity": 0},
        {"votes": -1},
        {"source": "nobody"},
        {"created": "2026-03-02T00:00:00"},
    ],
)
def test_a_request_out_of_range_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        request(**bad)


def test_weights_below_nothing_are_refused() -> None:
    with pytest.raises(ValidationError):
        Weights.model_validate({"urgency": -1})
    with pytest.raises(ValidationError):
        Weights.model_validate({"source": {"client": -1}})


def test_the_score_is_the_sum_of_its_terms_over_the_job_size() -> None:
    found = score(
        request(
            urgency=4, importance=5, requesters=("ann", "bob"), votes=1, blocks=("SHOP-2",), complexity=4
        ),
        NOW + timedelta(days=45),
        WEIGHTS,
    )
    assert [(term.name, term.value) for term in found.terms] == [
        ("business value", 15.0),
        ("asked", 3.0),
        ("urgency", 8.0),
        ("age", 1.5),
        ("enables", 2.0),
        ("job size", 4.0),
    ]
    assert found.total == round((15 + 3 + 8 + 1.5 + 2) / 4, 4)
    assert all(term.why for term in found.terms)


def test_what_nobody_estimated_counts_with_the_assumed_size_and_says_so() -> None:
    unknown = request(complexity=None)
    assert size_of(unknown, WEIGHTS) == WEIGHTS.unknown_size
    assert score(unknown, NOW, WEIGHTS).terms[-1].why == "nobody estimated it"


def test_a_client_s_wish_weighs_more_than_the_same_of_a_developer() -> None:
    assert total(source="client") > total(source="management") > total(source="developer")


def test_a_source_without_a_weight_weighs_one() -> None:
    bare = Weights(source={})
    assert score(request(), NOW, bare) == score(request(source="developer"), NOW, bare).model_copy(
        update={"terms": score(request(), NOW, bare).terms}
    )


def test_one_person_asking_twice_counts_once() -> None:
    assert total(requesters=("ann", "ann")) == total(requesters=("ann",))


def test_a_crowd_counts_only_up_to_the_limit() -> None:
    assert total(votes=10) == total(votes=10_000)


def test_a_request_from_the_future_is_not_older_than_now() -> None:
    assert total(created=NOW + timedelta(days=9)) == total(created=NOW)


def test_without_an_age_to_grow_to_every_request_has_its_full_age() -> None:
    ageless = Weights(full_age=timedelta(0))
    assert score(request(), NOW, ageless).terms[3].value == ageless.age


def test_jira_s_priority_is_shown_but_does_not_score() -> None:
    assert total(priority="Highest") == total(priority="")


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 20),
    st.integers(0, 400),
    st.sampled_from(RequestSource),
)
def test_more_urgent_more_important_or_smaller_never_scores_less(
    urgency: int, importance: int, size: int, days: int, source: RequestSource
) -> None:
    plain = {"urgency": urgency, "importance": importance, "complexity": size, "source": source}
    plain["created"] = NOW - timedelta(days=days)
    assert total(**{**plain, "urgency": urgency + 1}) > total(**plain)
    assert total(**{**plain, "importance": importance + 1}) > total(**plain)
    assert total(**{**plain, "complexity": size + 1}) < total(**plain)
    assert total(**{**plain, "created": NOW - timedelta(days=days + 30)}) >= total(**plain)
