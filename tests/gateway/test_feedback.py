"""Whether it helped: answered in Slack and by signed link, and read back from the ledger and the page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from deployments.demo.waiting import eventually
from lifecycle import events as e
from tests.gateway.world import SHA, Asked, Office


@dataclass(frozen=True)
class Question:
    """What one person was asked about one issue of a release."""

    office: Office
    subject: str
    request: str

    def given(self) -> list[tuple[object, ...]]:
        """Every round of the answer: what, score, comment."""
        return [
            (event.data["answer"], event.data["score"], event.data["comment"])
            for event in self.office.ledger.events(self.subject)
            if event.kind == "FeedbackGiven" and event.data["request"] == self.request
        ]


@pytest.fixture
def asked(office: Office) -> Asked:
    return office.asking("client")


def ask(office: Office, asked: Asked, person: str, issue: str = "SHOP-3", **more: Any) -> Question:
    """The release went out and somebody is asked about one issue."""
    now = datetime.now(UTC)
    request = hashlib.sha256(f"{asked.subject} {person} {issue}".encode()).hexdigest()[:24]
    if "WatchEnded" not in office.kinds(asked.subject):
        office.record(
            asked.subject,
            e.ProductionStarted(number=1, tag=asked.version, sha=SHA),
            e.ProductionDeployed(sha=SHA, url="http://shop.example", pipeline_id=9, at=now),
            e.WatchEnded(verdict="healthy"),
        )
    due = now + timedelta(days=7)
    office.record(
        asked.subject, e.FeedbackAsked(request=request, person=person, issue=issue, due=due, **more)
    )
    return Question(office, asked.subject, request)


def send(office: Office, path: str, answer: str, score: str = "", comment: str = "") -> httpx.Response:
    return office.http.post(path, data={"verb": answer, "score": score, "comment": comment})


# By link.


@pytest.mark.parametrize("score", ["0", "6", "-1", "five", "3.5", "٣", "3; DROP"])
def test_a_score_that_the_form_does_not_offer_counts_as_none(
    office: Office, asked: Asked, score: str
) -> None:
    question = ask(office, asked, "clara")
    assert send(office, office.link("clara", question.request), "partly", score).status_code == 200
    assert question.given() == [("partly", None, "")]


@pytest.mark.parametrize("verb", ["", "approve", "return", "maybe", "SOLVED"])
def test_the_page_takes_no_other_answer(office: Office, asked: Asked, verb: str) -> None:
    question = ask(office, asked, "clara")
    send(office, office.link("clara", question.request), verb, "5", "mine")
    assert question.given() == []
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_one_form_has_the_answer_a_score_and_a_comment_and_the_last_answer_counts(
    office: Office, asked: Asked
) -> None:
    question = ask(office, asked, "clara")
    path = office.link("clara", question.request)
    empty = office.http.get(path).text
    for text in ("It is solved", "Partly", "Not at all", 'name="score"', 'name="comment"', "Gift wrap"):
        assert text in empty
    shown = send(office, path, "partly", "3", "nearly <b>").text
    assert "You answered “partly”, 3 of 5. Thank you." in shown
    assert "nearly &lt;b&gt;</textarea>" in shown
    assert '<option value="3" selected>' in shown
    assert send(office, path, "partly", "3", "nearly <b>").status_code == 200
    assert send(office, path, "partly").status_code == 200
    assert question.given() == [("partly", 3, "nearly <b>")]
    assert "You answered “solved”." in send(office, path, "solved").text
    assert question.given() == [("partly", 3, "nearly <b>"), ("solved", None, "")]


def test_a_late_answer_is_taken_after_the_closing(office: Office, asked: Asked) -> None:
    question = ask(office, asked, "clara")
    office.record(asked.subject, e.Closed(asked=1))
    assert "Thank you." in send(office, office.link("clara", question.request), "not", "1").text
    assert question.given() == [("not", 1, "")]
    assert office.ledger.wakeup(asked.subject).pending


OUTSIDE: Mapping[str, Any] = {"outside": True, "name": "Bob", "place": "gitlab:1:7"}


def test_somebody_outside_the_people_file_answers_their_own_question_and_no_more(
    office: Office, asked: Asked
) -> None:
    his = ask(office, asked, "gitlab:77", **OUTSIDE)
    hers = ask(office, asked, "clara")
    page = office.http.get(office.link("gitlab:77", his.request))
    assert (page.status_code, "Hello Bob." in page.text) == (200, True)
    assert "Thank you." in send(office, office.link("gitlab:77", his.request), "solved", "5").text
    assert his.given() == [("solved", 5, "")]
    # His identity opens neither her question nor a sign-off, and a person's link not his.
    for path in (
        office.link("gitlab:77", hers.request),
        office.link("gitlab:77", asked.requests["client"]),
        office.link("gitlab:78", his.request),
        office.link("gitlab:77", "f" * 24),
    ):
        assert office.http.get(path).status_code == 403
        assert send(office, path, "not").status_code == 403
        assert send(office, path, "approve").status_code == 403
    shown = send(office, office.link("dora", his.request), "not").text
    assert "This question was for somebody else." in shown
    assert (his.given(), hers.given()) == ([("solved", 5, "")], [])
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_a_person_is_no_guest_even_where_the_fact_says_outside_of_another(
    office: Office, asked: Asked
) -> None:
    question = ask(office, asked, "clara")
    for person in ("nobody", "", "jira:clara"):
        assert send(office, office.link(person, question.request), "solved").status_code == 403
    assert question.given() == []


# In Slack.


def in_slack(office: Office, asked: Asked, person: str, slack: str, *issues: str, **more: Any) -> Question:
    """Ask in a direct message about these issues, as a walk does; the first question."""
    questions = [ask(office, asked, person, issue, slack=slack, **more) for issue in issues]
    # One message is what was asked at one time; these were asked one after the other.
    for each in questions:
        call = "import sys; from tasks import asking; asking.ask.fn(*sys.argv[1:])"
        office.aside.check(call, asked.subject, each.request, person)
    return questions[0]


def direct(office: Office, slug: str) -> str:
    """All that this person sees in Slack."""
    return json.dumps(office.people[slug].inbox(), ensure_ascii=False)


def test_a_click_counts_at_once_and_the_form_behind_the_thanks_amends_it(
    office: Office, asked: Asked
) -> None:
    question = in_slack(office, asked, "gerd", "U0GERD", "SHOP-3")
    gerd = office.people["gerd"]
    assert f"Shop {asked.version}" in direct(office, "gerd")
    gerd.press("feedback.partly", "SHOP-3")
    assert question.given() == [("partly", None, "")]
    assert office.ledger.wakeup(asked.subject).pending
    eventually("thanks", lambda: "your answer reached the team" in direct(office, "gerd"), 30)
    gerd.press("feedback.more")
    seen = gerd.submit("feedback.more", {"score": "4", "comment": "The ribbon <is> missing"})
    assert seen["view"] == "closed"
    assert question.given()[1:] == [("partly", 4, "The ribbon <is> missing")]
    said = "You answered partly (4 of 5; The ribbon &lt;is&gt; missing)."
    eventually("the message shows it", lambda: said in direct(office, "gerd"), 30)
    gerd.press("feedback.partly", "SHOP-3")
    assert len(question.given()) == 2
    gerd.press("feedback.not", "SHOP-3")
    assert question.given()[2:] == [("not", None, "")]


def act(office: Office, user: str, action: str, value: str) -> None:
    """A button pressed by that account, as Slack tells it."""
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "channel": {"id": office.releases},
        "actions": [{"action_id": action, "value": value}],
        "trigger_id": "1.2.3",
    }
    assert office.tell(urlencode({"payload": json.dumps(payload)}).encode()).status_code == 200


def test_a_guest_of_slack_answers_under_their_account_and_nobody_else_does(
    office: Office, asked: Asked
) -> None:
    outside = {"outside": True, "name": "Guest", "slack": "U0GUEST"}
    question = ask(office, asked, "slack:U0GUEST", **outside)
    for user in ("U0OTHER", "U0GERD"):
        act(office, user, "feedback.not", question.request)
    assert question.given() == []
    act(office, "U0GUEST", "feedback.solved", question.request)
    assert question.given() == [("solved", None, "")]
    act(office, "U0GUEST", "signoff.approve", asked.requests["client"])
    assert "SignOffGiven" not in office.kinds(asked.subject)


@pytest.mark.parametrize("value", ["", "x", "f" * 24, "release:shop:1.0.0", "' OR 1=1"])
def test_a_value_that_no_button_of_ours_carries_answers_nothing(office: Office, value: str) -> None:
    before = office.ledger.head()
    for action in ("feedback.solved", "feedback.more"):
        act(office, "U0GERD", action, value)
    assert office.ledger.head() == before
