"""The page behind a signed link: for people who decide without Slack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
import yaml

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from lifecycle import events as e
from tests.gateway.world import Asked, Office


@pytest.fixture
def asked(office: Office) -> Asked:
    return office.asking("client")


def page(office: Office, path: str) -> httpx.Response:
    return office.http.get(path)


def answer(office: Office, path: str, verb: str, comment: str = "") -> httpx.Response:
    return office.http.post(path, data={"verb": verb, "comment": comment})


def link(office: Office, asked: Asked, person: str = "clara") -> str:
    return office.link(person, asked.requests["client"])


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "%00", "eyJ9.x.y" * 200])
def test_a_link_that_is_none_of_ours_is_refused(office: Office, token: str) -> None:
    shown = page(office, f"/decide/{token}")
    assert shown.status_code == 403
    assert "cannot be used" in shown.text
    assert answer(office, f"/decide/{token}", "approve").status_code == 403


def test_a_forged_link_decides_nothing(office: Office, asked: Asked) -> None:
    forged = office.link("clara", asked.requests["client"], secret="guessed")
    assert answer(office, forged, "approve").status_code == 403
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_a_link_older_than_two_weeks_decides_nothing(office: Office, asked: Asked) -> None:
    old = office.link("clara", asked.requests["client"], age=timedelta(days=15))
    shown = answer(office, old, "approve")
    assert (shown.status_code, "expired" in shown.text) == (403, True)
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_a_link_to_something_nobody_asked_is_not_found(office: Office) -> None:
    assert page(office, office.link("clara", "f" * 24)).status_code == 404
    assert answer(office, office.link("clara", "f" * 24), "approve").status_code == 404


def test_the_page_says_what_is_new_and_asks(office: Office, asked: Asked) -> None:
    shown = page(office, link(office, asked))
    assert shown.status_code == 200
    for text in ("Clara (client)", f"Shop {asked.version}", "Gift wrap", "Search", "I agree", "I object"):
        assert text in shown.text


def test_agreeing_signs_and_the_page_thanks(office: Office, asked: Asked) -> None:
    shown = answer(office, link(office, asked), "approve", "Lovely")
    assert "You agreed. Thank you." in shown.text
    event = office.ledger.events(asked.subject)[-1]
    given = (event.kind, event.data["person"], event.data["door"], event.data["comment"])
    assert given == ("SignOffGiven", "clara", "link", "Lovely")
    assert office.ledger.wakeup(asked.subject).pending
    eventually("Slack shows it", lambda: "signed by Clara" in office.message(asked), 30)


def test_agreeing_twice_signs_once(office: Office, asked: Asked) -> None:
    for _ in range(2):
        assert answer(office, link(office, asked), "approve").status_code == 200
    assert office.kinds(asked.subject).count("SignOffGiven") == 1
    again = page(office, link(office, asked)).text
    assert "You agreed. Thank you." in again
    assert "<form" not in again


@pytest.mark.parametrize("comment", ["", "   "])
def test_objecting_needs_a_reason(office: Office, asked: Asked, comment: str) -> None:
    shown = answer(office, link(office, asked), "return", comment)
    assert "say what has to be mended" in shown.text
    assert "<form" in shown.text
    assert "Returned" not in office.kinds(asked.subject)


def test_an_objection_is_recorded_and_shown_as_text(office: Office, asked: Asked) -> None:
    shown = answer(office, link(office, asked), "return", "<script>alert(1)</script> & more")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in shown.text
    assert "<script>" not in shown.text
    assert office.ledger.events(asked.subject)[-1].data["reason"] == "<script>alert(1)</script> & more"
    assert "<form" not in page(office, link(office, asked)).text


def test_titles_are_shown_as_text(office: Office) -> None:
    asked = office.asking("client", title='<img src=x onerror="alert(1)">')
    shown = page(office, link(office, asked)).text
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in shown
    assert "<img" not in shown


def test_a_link_in_the_hands_of_somebody_without_the_role_decides_nothing(
    office: Office, asked: Asked
) -> None:
    shown = answer(office, link(office, asked, "dora"), "approve")
    assert "Not signed" in shown.text
    assert "SignOffGiven" not in office.kinds(asked.subject)


@pytest.mark.parametrize("verb", ["", "hold", "abandon", "rollback", "APPROVE"])
def test_the_page_takes_no_other_answer(office: Office, asked: Asked, verb: str) -> None:
    before = office.kinds(asked.subject)
    assert answer(office, link(office, asked), verb).status_code == 400
    assert office.kinds(asked.subject) == before


@pytest.mark.parametrize("form", [b"&".join(b"a%d=1" % n for n in range(50)), b"\xff\xfe", b"=&=&;"])
def test_a_form_that_is_not_the_pages_own_is_refused(office: Office, asked: Asked, form: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert office.http.post(link(office, asked), content=form, headers=kind).status_code == 400


def test_a_form_of_unreasonable_length_is_refused(office: Office, asked: Asked) -> None:
    shown = answer(office, link(office, asked), "approve", "x" * 200_000)
    assert shown.status_code == 413
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_a_decision_counts_and_is_shown_while_slack_is_down(office: Office, asked: Asked) -> None:
    office.slack.faults.order(Fault("POST /api/.*", "drop_before", times=50))
    try:
        shown = answer(office, link(office, asked), "approve")
    finally:
        office.slack.faults.clear()
    assert shown.status_code == 200
    assert "You agreed. Thank you." in shown.text
    assert office.kinds(asked.subject)[-1] == "SignOffGiven"


def test_the_page_is_neither_stored_nor_told_to_others(office: Office, asked: Asked) -> None:
    shown = page(office, link(office, asked))
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "?verb=approve", "?verb=return&comment=no"])
def test_who_only_looks_at_a_link_decides_nothing(
    office: Office, asked: Asked, method: str, query: str
) -> None:
    """A mail scanner follows every link it sees."""
    before = office.kinds(asked.subject)
    shown = office.http.request(method, link(office, asked) + query)
    assert shown.status_code == 200
    assert office.kinds(asked.subject) == before
    assert "<form" in page(office, link(office, asked)).text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_link_takes_no_other_method(office: Office, asked: Asked, method: str) -> None:
    form = {"verb": "approve"}
    assert office.http.request(method, link(office, asked), data=form).status_code == 405
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_who_agreed_cannot_object_by_the_same_link(office: Office, asked: Asked) -> None:
    answer(office, link(office, asked), "approve")
    shown = answer(office, link(office, asked), "return", "on second thoughts")
    assert "This link takes one answer: you agreed already." in shown.text
    assert "You agreed. Thank you." in shown.text
    assert "<form" not in shown.text
    assert "Returned" not in office.kinds(asked.subject)


def test_who_objected_cannot_agree_by_the_same_link(office: Office, asked: Asked) -> None:
    answer(office, link(office, asked), "return", "the price is wrong")
    for shown in (
        answer(office, link(office, asked), "approve"),
        answer(office, link(office, asked), "return", "and the colour"),
    ):
        assert "This link takes one answer: you objected already." in shown.text
        assert "Sent back: the price is wrong" in shown.text
        assert "<form" not in shown.text
    kinds = office.kinds(asked.subject)
    assert (kinds.count("Returned"), "SignOffGiven" in kinds) == (1, False)


def test_what_was_taken_back_is_said_and_the_link_does_not_give_it_again(
    office: Office, asked: Asked
) -> None:
    """A browser that sends its form again would sign a second time, and nobody meant it."""
    answer(office, link(office, asked), "approve")
    request = asked.requests["client"]
    office.record(asked.subject, e.SignOffWithdrawn(request=request, role="client", person="clara", round=1))
    assert "You agreed, and took it back." in page(office, link(office, asked)).text
    shown = answer(office, link(office, asked), "approve")
    assert "This link takes one answer" in shown.text
    assert "<form" not in shown.text
    assert office.kinds(asked.subject).count("SignOffGiven") == 1


def supersede(office: Office, asked: Asked) -> None:
    """Candidate 2 is cut while Clara still looks at candidate 1."""
    office.record(
        asked.subject,
        e.CandidateCut(
            number=2, tag=f"{asked.version}-rc.2", sha="b" * 40, branch=f"release/{asked.version}"
        ),
    )


def abandon(office: Office, asked: Asked) -> None:
    """The release is given up."""
    office.record(asked.subject, e.Abandoned(person="mara", reason="not needed"))


@pytest.mark.parametrize(
    ("happen", "says"),
    [(supersede, "candidate 1 is superseded by candidate 2"), (abandon, "Abandoned")],
    ids=["superseded", "abandoned"],
)
def test_a_question_that_is_over_says_why_and_takes_no_answer(
    office: Office, asked: Asked, happen: Callable[[Office, Asked], None], says: str
) -> None:
    happen(office, asked)
    shown = page(office, link(office, asked))
    assert (shown.status_code, "<form" in shown.text) == (200, False)
    assert "There is nothing to decide here any more" in shown.text
    assert says in shown.text
    before = office.kinds(asked.subject)
    for verb in ("approve", "return"):
        assert says in answer(office, link(office, asked), verb, "late").text
    assert office.kinds(asked.subject) == before


def test_what_somebody_else_sent_back_is_said(office: Office, asked: Asked) -> None:
    request = asked.requests["client"]
    office.record(
        asked.subject,
        e.Returned(request=request, step="client", issue=None, person="carl", reason="too slow", door="cli"),
    )
    shown = answer(office, link(office, asked), "approve")
    assert "Sent back: too slow" in shown.text
    assert "<form" not in shown.text
    assert "SignOffGiven" not in office.kinds(asked.subject)


@pytest.fixture
def change_clara(office: Office, asked: Asked) -> Iterator[Callable[[dict[str, object] | None], None]]:
    """Changes Clara's entry in the people file, or with None takes it out; afterwards it is as before."""
    del asked  # the question is asked while she is still there
    path = office.home / "conveyor.yaml"
    whole = path.read_text(encoding="utf-8")

    def change(entry: dict[str, object] | None) -> None:
        data = yaml.safe_load(whole)
        others = [person for person in data["people"] if person["id"] != "clara"]
        clara = next(person for person in data["people"] if person["id"] == "clara")
        # Somebody has to be left who may sign for the client, or the file is refused.
        stand_in = {"id": "carl", "name": "Carl (client)", "roles": ["client"]}
        data["people"] = [*others, stand_in, *([] if entry is None else [{**clara, **entry}])]
        path.write_text(yaml.safe_dump(data), encoding="utf-8")

    yield change
    path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "why"), [({"active": False}, "deactivated"), (None, "not among the people")]
)
def test_the_link_of_somebody_who_decides_no_more_is_refused(
    office: Office,
    asked: Asked,
    change_clara: Callable[[dict[str, object] | None], None],
    entry: dict[str, object] | None,
    why: str,
) -> None:
    assert page(office, link(office, asked)).status_code == 200
    change_clara(entry)
    for shown in (
        page(office, link(office, asked)),
        answer(office, link(office, asked), "approve"),
        answer(office, link(office, asked), "return", "no"),
    ):
        assert (shown.status_code, why in shown.text, "<form" in shown.text) == (403, True, False)
        assert "Gift wrap" not in shown.text
    kinds = office.kinds(asked.subject)
    assert "SignOffGiven" not in kinds
    assert "Returned" not in kinds
