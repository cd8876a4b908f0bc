"""Every issue of a sign-off in a modal: paged within Slack's limits, signed and returned from there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deployments.demo.waiting import eventually
from integrations.sandbox.faults import Fault
from tests.gateway.world import Asked, Office


def keys(how_many: int) -> tuple[str, ...]:
    return tuple(f"SHOP-{n}" for n in range(3, how_many + 3))


def open_list(office: Office, slug: str, asked: Asked) -> None:
    first = next(iter(asked.requests))
    assert office.press(slug, asked, "signoff.all", first)["error_shown"] == ""
    assert office.view(slug)["callback_id"] == "signoff.all"


def buttons(view: dict[str, Any], action_id: str) -> list[str]:
    elements = [element for block in view["blocks"] for element in block.get("elements", [])]
    return [element["value"] for element in elements if element.get("action_id") == action_id]


def says(office: Office, slug: str, text: str) -> None:
    """Wait until the modal says so."""
    eventually(
        f"the modal says {text}",
        lambda: text in json.dumps(office.view(slug), ensure_ascii=False),
        30,
    )


@pytest.fixture
def asked(office: Office) -> Asked:
    return office.asking(planned=keys(60))


@pytest.fixture(autouse=True)
def no_faults(office: Office) -> Iterator[None]:
    yield
    office.slack.faults.clear()


def test_one_issue_is_asked_about_in_the_message_alone(office: Office) -> None:
    asked = office.asking(planned=keys(1))
    assert "signoff.all" not in office.message(asked)
    office.press("quinn", asked, "signoff.approve", "SHOP-3")
    eventually("the name", lambda: "signed by Quinn" in office.message(asked), 30)


@pytest.mark.parametrize(("size", "pages"), [(40, 1), (400, 10)])
def test_the_last_of_many_issues_is_signed_from_the_modal_and_the_message_counts_it(
    office: Office, size: int, pages: int
) -> None:
    asked = office.asking(planned=keys(size))
    assert f"{size} waiting" in office.message(asked)
    last = asked.requests[keys(size)[-1]]
    assert last not in office.message(asked)
    open_list(office, "quinn", asked)
    seen = buttons(office.view("quinn"), "signoff.approve")
    for number in range(1, pages):
        assert office.press_in_view("quinn", "signoff.page.next", str(number))["error_shown"] == ""
        seen += buttons(office.view("quinn"), "signoff.approve")
    assert seen == list(asked.requests.values())
    assert buttons(office.view("quinn"), "signoff.page.next") == []
    assert office.press_in_view("quinn", "signoff.approve", last)["error_shown"] == ""
    event = office.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["request"], event.data["person"]) == ("SignOffGiven", last, "quinn")
    says(office, "quinn", "signed by Quinn (QA) as qa")
    assert last not in buttons(office.view("quinn"), "signoff.approve")
    eventually("it is counted", lambda: f"{size - 1} waiting · ✅ 1 signed" in office.message(asked), 30)


def test_it_leads_back_too(office: Office, asked: Asked) -> None:
    open_list(office, "quinn", asked)
    office.press_in_view("quinn", "signoff.page.next", "1")
    says(office, "quinn", "41 to 60 of 60")
    office.press_in_view("quinn", "signoff.page.previous", "0")
    says(office, "quinn", "1 to 40 of 60")


def test_an_issue_is_returned_from_the_modal_with_its_reason(office: Office, asked: Asked) -> None:
    request = asked.requests["SHOP-50"]
    open_list(office, "quinn", asked)
    office.press_in_view("quinn", "signoff.page.next", "1")
    office.press_in_view("quinn", "signoff.return", request)
    assert office.people["quinn"].submit("signoff.return", {"reason": "  "})["view"] == "errors"
    assert "Returned" not in office.kinds(asked.subject)
    seen = office.people["quinn"].submit("signoff.return", {"reason": "The <ribbon>"})
    assert seen["view"] == "updated"
    event = office.ledger.events(asked.subject)[-1]
    assert (event.kind, event.data["request"], event.data["reason"]) == ("Returned", request, "The <ribbon>")
    says(office, "quinn", "41 to 60 of 60")
    says(office, "quinn", "returned by Quinn (QA): The &lt;ribbon&gt;")
    eventually("it is counted", lambda: "59 waiting · ↩️ 1 returned" in office.message(asked), 30)


def test_who_thinks_better_of_a_return_comes_back_to_the_page(office: Office, asked: Asked) -> None:
    open_list(office, "quinn", asked)
    office.press_in_view("quinn", "signoff.page.next", "1")
    office.press_in_view("quinn", "signoff.return", asked.requests["SHOP-50"])
    assert office.view("quinn")["callback_id"] == "signoff.return"
    office.press_in_view("quinn", "signoff.page.back", "1")
    says(office, "quinn", "41 to 60 of 60")
    assert "Returned" not in office.kinds(asked.subject)


def test_who_may_not_sign_sees_every_issue_and_no_button(office: Office, asked: Asked) -> None:
    open_list(office, "olli", asked)
    says(office, "olli", "*SHOP-42*")
    assert buttons(office.view("olli"), "signoff.approve") == []
    assert buttons(office.view("olli"), "signoff.return") == []


def test_a_click_that_comes_too_late_is_refused_in_the_modal(office: Office, asked: Asked) -> None:
    open_list(office, "quinn", asked)
    open_list(office, "quentin", asked)
    office.press_in_view("quentin", "signoff.return", asked.requests["SHOP-3"])
    office.people["quentin"].submit("signoff.return", {"reason": "torn"})
    before = office.kinds(asked.subject)
    office.press_in_view("quinn", "signoff.approve", asked.requests["SHOP-3"])
    says(office, "quinn", "Not signed")
    says(office, "quinn", "returned by Quentin")
    assert office.kinds(asked.subject) == before


def test_a_modal_that_cannot_be_shown_anew_is_not_in_the_way_of_the_message(
    office: Office, asked: Asked
) -> None:
    open_list(office, "quinn", asked)
    office.slack.faults.order(Fault("POST /api/views.update", "503", times=5))
    office.press_in_view("quinn", "signoff.approve", asked.requests["SHOP-3"])
    assert office.kinds(asked.subject)[-1] == "SignOffGiven"
    eventually("it is counted", lambda: "✅ 1 signed" in office.message(asked), 30)


def test_a_list_that_cannot_be_opened_asks_the_person_to_press_again(office: Office, asked: Asked) -> None:
    office.slack.faults.order(Fault("POST /api/views.open", "503"))
    assert office.press("dora", asked, "signoff.all")["error_shown"] == ""
    eventually("dora is told", lambda: any("press the button" in w for w in office.whispers("dora")), 30)
    open_list(office, "dora", asked)


def test_where_one_answer_is_for_all_the_modal_only_lists_the_issues(office: Office) -> None:
    asked = office.asking("approval", planned=keys(400))
    assert office.press("gerd", asked, "signoff.all", "approval")["error_shown"] == ""
    says(office, "gerd", "1 to 40 of 400")
    assert buttons(office.view("gerd"), "signoff.approve") == []
    office.press("gerd", asked, "signoff.approve", "approval")
    assert office.kinds(asked.subject)[-1] == "SignOffGiven"
