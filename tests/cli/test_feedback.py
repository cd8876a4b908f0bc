"""`conveyor feedback ...`: what a client said is recorded as theirs, and what everybody said is shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lifecycle import events as e
from lifecycle import feedback
from tests.cli.world import PLAN, SHA, START, Cli, Said

STREAM = "release:shop:1.4.0"
CLARA = feedback.question_id(STREAM, "SHOP-3", "clara")


@pytest.fixture
def released(cli: Cli) -> Cli:
    """1.4.0 is out, and Clara and somebody outside the people file are asked about SHOP-3."""
    due = START + timedelta(days=7)
    cli.record(
        STREAM,
        PLAN,
        e.CandidateCut(number=1, tag="1.4.0-rc.1", sha=SHA, branch="release/1.4.0"),
        e.CandidateVerified(number=1, pipeline_id=7),
        e.Staged(number=1, sha=SHA, url="http://127.0.0.1:1", pipeline_id=8),
        e.ProductionStarted(number=1, tag="1.4.0", sha=SHA),
        e.ProductionDeployed(sha=SHA, url="http://127.0.0.1:1", pipeline_id=9, at=START),
        e.WatchEnded(verdict="healthy"),
        e.FeedbackAsked(request=CLARA, person="clara", issue="SHOP-3", due=due),
        e.FeedbackAsked(
            request="r-bob", person="gitlab:77", issue="SHOP-3", due=due, outside=True, name="Bob"
        ),
    )
    return cli


def add(
    cli: Cli,
    *more: str,
    issue: str = "SHOP-3",
    answer: str = "partly",
    client: str = "Clara",
    person: str = "mara",
) -> Said:
    said = ("--answer", answer, "--from", client, "--as", person, *more)
    return cli.run("feedback", "add", "1.4.0", issue, *said)


def given(cli: Cli) -> list[e.FeedbackGiven]:
    facts = [e.parse(event.data) for event in cli.ledger.events(STREAM)]
    return [fact for fact in facts if isinstance(fact, e.FeedbackGiven)]


def own(request: str = CLARA, person: str = "clara") -> e.FeedbackGiven:
    return e.FeedbackGiven(request=request, person=person, issue="SHOP-3", answer="solved", score=5)


@pytest.mark.parametrize(
    ("more", "changes", "code", "says"),
    [
        ((), {"answer": "maybe"}, 2, "--answer is solved, partly or not, and not maybe"),
        (("--score", "6"), {}, 3, "A score is from 1 to 5."),
        (("--score", "0"), {}, 3, "A score is from 1 to 5."),
        (("--score", "good"), {}, 2, "--score"),
        ((), {"issue": "SHOP-9"}, 3, "SHOP-9 did not go out with 1.4.0."),
        ((), {"client": "  "}, 3, "Say whose answer it is."),
        ((), {"person": "quinn"}, 3, "is for manager, management, product, product-owner, release"),
        ((), {"person": "nobody"}, 3, "people file"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_one_line(
    released: Cli, more: tuple[str, ...], changes: dict[str, str], code: int, says: str
) -> None:
    said = add(released, *more, **changes)
    assert (said.code, said.out) == (code, "")
    assert says in said.err
    assert len(said.err.splitlines()) == 1
    assert given(released) == []


def test_before_the_release_is_out_there_is_nothing_to_say_of_it(cli: Cli) -> None:
    cli.record(STREAM, PLAN)
    said = add(cli)
    assert (said.code, said.err) == (3, "conveyor: FeedbackGiven cannot happen in Planned\n")


@pytest.mark.parametrize("client", ["Clara", "clara", "CLARA (CLIENT)", " Clara  (client) "])
def test_what_a_client_said_is_theirs_and_says_who_entered_it(released: Cli, client: str) -> None:
    said = add(released, "--score", "3", "--comment", "nearly", client=client)
    assert said.code == 0
    assert "entered by Mara (manager)." in said.out
    [fact] = given(released)
    assert (fact.request, fact.person, fact.entered_by) == (CLARA, "clara", "mara")
    assert (fact.answer, fact.score, fact.comment) == ("partly", 3, "nearly")
    assert released.ledger.wakeup(STREAM).pending


def test_the_same_twice_is_recorded_once_and_a_correction_is_the_next_round(released: Cli) -> None:
    assert [add(released, "--json").json["repeated"] for _ in range(2)] == [False, True]
    assert add(released, answer="solved").code == 0
    assert [(fact.round, fact.answer) for fact in given(released)] == [(1, "partly"), (2, "solved")]


def test_an_answer_of_their_own_is_never_overwritten(released: Cli) -> None:
    released.record(STREAM, own())
    said = add(released, answer="not")
    assert (said.code, said.err) == (3, "conveyor: Clara answered “solved” in person; that stands.\n")
    assert len(given(released)) == 1


def test_their_own_answer_replaces_what_was_entered_and_they_count_once(released: Cli) -> None:
    add(released, answer="not")
    released.record(STREAM, own().model_copy(update={"round": 2}))
    shown = released.run("feedback", "show", "1.4.0", "--json").json
    assert (shown["solved"], shown["unsolved"], shown["answered"], shown["asked"]) == (1, 0, 1, 2)


def test_somebody_outside_and_somebody_nobody_asked_are_known_by_their_names(released: Cli) -> None:
    assert add(released, client="bob").code == 0
    assert add(released, client="Old  Customer", issue="shop-4").code == 0
    assert add(released, client="old customer", issue="SHOP-4", answer="solved").code == 0
    facts = given(released)
    assert [(fact.request == "r-bob", fact.person) for fact in facts[:1]] == [(True, "gitlab:77")]
    assert facts[1].request == facts[2].request
    shown = released.run("feedback", "show", "--json").json
    assert (shown["answered"], shown["asked"], shown["partly"], shown["solved"]) == (1, 2, 1, 1)


def test_of_two_people_of_one_name_one_must_be_named_by_the_id(released: Cli) -> None:
    asked = e.FeedbackAsked(
        request="r2", person="jira:x", issue="SHOP-3", due=START, outside=True, name="Bob"
    )
    released.record(STREAM, asked)
    assert "Several people are called Bob: say the id." in add(released, client="Bob").err
    assert add(released, client="jira:x").code == 0
    assert [fact.request for fact in given(released)] == ["r2"]


def test_the_table_shows_every_answer_with_its_remarks_and_what_several_say(released: Cli) -> None:
    add(released, "--score", "3", "--comment", "The search is slow on my phone")
    released.record(
        STREAM,
        e.Closed(answers=1, asked=2),
        e.FeedbackGiven(
            request="r-bob", person="gitlab:77", issue="SHOP-3", answer="not", comment="search is\tslow"
        ),
        e.FeedbackFollowed(request="r-bob", round=1, issue="SHOP-12"),
    )
    said = released.run("feedback", "show", "1.4.0")
    assert said.out.splitlines() == [
        "2 of 2 answered · 0 solved, 1 partly, 1 not · satisfaction 3.0 of 5",
        "2 say: “The search is slow on my phone”",
        "RELEASE\tISSUE\tWHO\tANSWER\tSCORE\tCOMMENT\tREMARK",
        "1.4.0\tSHOP-3\tClara (client)\tpartly\t3\tThe search is slow on my phone\tentered by Mara (manager)",
        "1.4.0\tSHOP-3\tBob\tnot\t\tsearch is slow\tlate, goes on as SHOP-12",
    ]


def test_without_answers_the_command_says_so(released: Cli) -> None:
    assert released.run("feedback", "show").out == "Nobody answered.\n"
    assert released.run("feedback", "show", "9.9.9").code == 2
    assert released.run("feedback", "show", "--json").json["score"] is None
