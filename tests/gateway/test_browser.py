"""People decide in a real browser: on the sandbox's Slack page, and on the page behind a signed link."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.browser import Browser, Tab, chromium
from tests.gateway.world import Asked, Office

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium on this machine, so nobody looks at the pages in a browser")
    made = Browser(tmp_path_factory.mktemp("browser"), program)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def browser(chrome: Browser) -> Iterator[Browser]:
    yield chrome
    chrome.leave()


@pytest.fixture
def asked(office: Office) -> Asked:
    return office.asking()


def channel(office: Office, browser: Browser, slug: str) -> Tab:
    """A tab with #releases as this person sees it; the forms that other tests left open are closed."""
    office.close_views(slug)
    return browser.open(f"{office.slack.url}/?as={slug}&channel=releases")


def at(asked: Asked, what: str = "") -> str:
    """The selector of the release's message, or of something in it."""
    return f'article[data-ts="{asked.ts}"] {what}'.strip()


def button(asked: Asked, action: str, issue: str = "SHOP-3") -> str:
    return at(asked, f'button[data-action="{action}"][data-value="{asked.requests[issue]}"]')


def buttons(tab: Tab, asked: Asked) -> list[str]:
    """What the message's buttons say."""
    return tab.text(at(asked, ".button")).splitlines()


BOTH = ["Approve", "Return for rework"]


def test_who_approves_is_named_on_the_message_at_once_for_everybody(
    office: Office, browser: Browser, asked: Asked
) -> None:
    quinn, gerd = channel(office, browser, "quinn"), channel(office, browser, "gerd")
    assert buttons(gerd, asked) == BOTH * 2
    quinn.click(button(asked, "signoff.approve"), "Approve")
    for tab in (quinn, gerd):
        tab.shows("signed by Quinn (QA) as qa", at(asked))
        assert buttons(tab, asked) == BOTH
    given = office.release(asked.subject).signatures
    assert [(s.request, s.person, s.door) for s in given] == [(asked.requests["SHOP-3"], "quinn", "slack")]


def test_who_returns_types_the_reason_into_the_modal_and_all_read_it(
    office: Office, browser: Browser, asked: Asked
) -> None:
    quinn, mara = channel(office, browser, "quinn"), channel(office, browser, "mara")
    quinn.click(button(asked, "signoff.return"), "Return for rework")
    for text in ("SHOP-3 Gift wrap", f"QA: Shop {asked.version}-rc.1", "What has to be mended?"):
        quinn.shows(text, ".modal")
    quinn.write(".modal textarea", "The <b>ribbon</b> & the bow are missing")
    quinn.click(".modal footer .primary", "Return")
    for tab in (quinn, mara):
        tab.shows("returned by Quinn (QA): The <b>ribbon</b> & the bow are missing", at(asked))
        assert buttons(tab, asked) == ["Release without it", *BOTH]
    quinn.until("the modal is closed", "!document.querySelector('.modal')")
    [returned] = office.release(asked.subject).returned
    assert (returned.issue, returned.reason) == ("SHOP-3", "The <b>ribbon</b> & the bow are missing")


def test_a_return_without_a_reason_is_refused_in_the_modal_which_stays(
    office: Office, browser: Browser, asked: Asked
) -> None:
    quinn = channel(office, browser, "quinn")
    quinn.click(button(asked, "signoff.return"))
    quinn.write(".modal textarea", "   ")
    quinn.click(".modal footer .primary", "Return")
    quinn.shows("say what has to be mended", ".modal .error")
    assert "Returned" not in office.kinds(asked.subject)
    quinn.click(".modal footer [data-close]")
    quinn.until("the modal is closed", "!document.querySelector('.modal')")
    assert "Returned" not in office.kinds(asked.subject)


def test_who_may_not_sign_reads_why_and_nobody_else_does(
    office: Office, browser: Browser, asked: Asked
) -> None:
    refusal = "Not signed: QA is signed by qa."
    before = {
        slug: channel(office, browser, slug).text(".ephemeral").count(refusal) for slug in ("quinn", "mara")
    }
    mara = channel(office, browser, "mara")
    message = mara.text(at(asked))
    mara.click(button(asked, "signoff.approve"))
    mara.until(
        "the refusal",
        f"[...document.querySelectorAll('.ephemeral')].filter(m => m.innerText.includes('{refusal}'))"
        f".length > {before['mara']}",
    )
    assert "Only visible to you" in mara.text(".ephemeral")
    quinn = channel(office, browser, "quinn")
    assert quinn.text(".ephemeral").count(refusal) == before["quinn"]
    assert [tab.text(at(asked)) for tab in (mara, quinn)] == [message, message]
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_the_message_of_a_superseded_candidate_loses_its_buttons_before_ones_eyes(
    office: Office, browser: Browser
) -> None:
    digests = {"SHOP-3": "3" * 64, "SHOP-4": "4" * 64}
    asked = office.asking(digests=digests)
    quinn = channel(office, browser, "quinn")
    quinn.click(button(asked, "signoff.approve", "SHOP-4"))
    quinn.shows("signed by Quinn (QA)", at(asked))
    again = office.asking_again(asked, digests={**digests, "SHOP-3": "5" * 64})
    assert buttons(quinn, asked) == BOTH
    office.refresh(asked)
    quinn.shows("A newer candidate is out", at(asked))
    assert buttons(quinn, asked) == []
    quinn.shows("kept from aaaaaaaa: its files are unchanged", at(again))
    assert buttons(quinn, again) == BOTH
    quinn.click(button(again, "signoff.approve"))
    quinn.shows("SHOP-3 Gift wrap\n✔ signed by Quinn (QA) as qa", at(again))
    release = office.release(asked.subject)
    assert {s.request for s in release.signatures} == {asked.requests["SHOP-4"], again.requests["SHOP-3"]}


def test_a_click_on_a_candidate_that_was_superseded_meanwhile_is_refused_in_private(
    office: Office, browser: Browser, asked: Asked
) -> None:
    quinn = channel(office, browser, "quinn")
    office.asking_again(asked)
    quinn.click(button(asked, "signoff.approve"))
    quinn.shows("Not signed: candidate 1 is superseded by candidate 2.", ".ephemeral")
    quinn.shows("A newer candidate is out", at(asked))
    assert buttons(quinn, asked) == []
    assert "SignOffGiven" not in office.kinds(asked.subject)


def test_a_client_reads_what_is_new_agrees_and_is_thanked(office: Office, browser: Browser) -> None:
    asked = office.asking("client")
    link = office.url + office.link("clara", asked.requests["client"])
    clara, twice = browser.open(link), browser.open(link)
    for text in ("Hello Clara (client)", "Gift wrap SHOP-3", "Search SHOP-4"):
        assert text in clara.text()
    clara.write("textarea", "Lovely — danke")
    clara.click("button", "I agree")
    clara.shows("You agreed. Thank you.")
    [given] = office.release(asked.subject).signatures
    assert (given.person, given.door, given.comment) == ("clara", "link", "Lovely — danke")

    clara.go(link)
    assert "You agreed. Thank you." in clara.text()
    assert clara.text("form, button") == ""
    # She had the page open a second time; that one still has its form.
    twice.write("textarea", "On second thoughts")
    twice.click("button", "I object")
    twice.shows("This link takes one answer: you agreed already.")
    assert twice.text("form, button") == ""
    assert office.kinds(asked.subject)[-1] == "SignOffGiven"
    channel(office, browser, "mara").shows("signed by Clara (client) as client", at(asked))


def test_a_client_who_objects_without_a_reason_is_asked_for_it(office: Office, browser: Browser) -> None:
    asked = office.asking("client")
    clara = browser.open(office.url + office.link("clara", asked.requests["client"]))
    clara.click("button", "I object")
    clara.shows("say what has to be mended")
    assert "Returned" not in office.kinds(asked.subject)
    clara.write("textarea", "The price is wrong")
    clara.click("button", "I object")
    clara.shows("Sent back: The price is wrong")
    [returned] = office.release(asked.subject).returned
    assert (returned.person, returned.reason, returned.door) == ("clara", "The price is wrong", "link")
