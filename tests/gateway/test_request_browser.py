"""Somebody looks for their request in a real browser, at the gateway as it runs; also on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import yaml

from integrations.sandbox.http import LOOPBACK
from tests.gateway.browser import Browser, Tab, chromium
from tests.gateway.wishes import gone_live, merged, record, wish
from tests.gateway.world import Office

pytestmark = pytest.mark.slow

TOKEN = "shared-with-clients-and-long-enough"
HOSTILE = '<img src=x onerror="window.hurt = 1"><script>window.hurt = 2</script>'
ENDLESS = "W" * 250


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A gateway whose page is open to everybody, over a mirror of some requests."""
    made = Office(tmp_path_factory.mktemp("hall"))
    made.env["CONVEYOR_REQUESTS_TOKEN"] = TOKEN
    open_to(made, "public")
    made.ledger.mirror(
        "SHOP",
        [
            *(wish(number, f"Wish number {number}") for number in range(100, 180)),
            wish(1, "Gift wrap for every parcel", type="Story", votes=2),
            wish(2, "Wrap gifts, please", "Closed"),
            wish(3, "Find things by colour", "Released"),
            wish(4, HOSTILE),
            wish(5, ENDLESS, type="A type with quite a long name that somebody once thought of"),
        ],
    )
    record(made.ledger, "project:shop", [merged(2, 1)])
    record(made.ledger, "release:shop:1.3.0", gone_live("1.3.0", 3))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium on this machine, so nobody looks at the page in a browser")
    made = Browser(tmp_path_factory.mktemp("browser"), program)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def browser(chrome: Browser) -> Iterator[Browser]:
    yield chrome
    chrome.leave()


def open_to(hall: Office, whom: str) -> None:
    file = hall.home / "conveyor.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "requests_page": whom}))


def counted(tab: Tab, count: int) -> None:
    """Wait until so many requests are on the page."""
    tab.until(f"{count} requests", f"document.querySelectorAll('.requests li').length === {count}")


def test_who_types_sees_what_is_left_with_every_letter(hall: Office, browser: Browser) -> None:
    tab = browser.open(f"{hall.url}/requests")
    counted(tab, 50)
    tab.shows("85 requests, page 1 of 2")
    for letter in "gift":
        tab.write("input", letter)
    counted(tab, 2)
    assert "2 of 85 requests" in tab.text()
    tab.write("input", " parcel")
    counted(tab, 1)
    for text in ("Gift wrap for every parcel", "we have it", "SHOP-1 · Story", "3 votes", "the same: SHOP-2"):
        assert text in tab.text(".requests")
    assert tab.script("location.search") == "?q=gift+parcel"
    assert tab.script("document.activeElement === document.querySelector('input')") is True
    tab.write("input", " nonsense")
    tab.shows("No request is like that")


def test_a_filter_works_at_once_and_the_address_leads_back(hall: Office, browser: Browser) -> None:
    tab = browser.open(f"{hall.url}/requests")
    choose = "const s = document.querySelector('[name=state]'); s.value = 'live';"
    tab.script(f"{{ {choose} s.dispatchEvent(new Event('input', {{bubbles: true}})); }}")
    counted(tab, 1)
    assert "Find things by colour\n\nlive since 2026-11-03 release 1.3.0" in tab.text(".requests")
    address = tab.script("location.href")
    assert address.endswith("/requests?state=live")
    again = browser.open(address)
    counted(again, 1)
    assert again.script("document.querySelector('[name=state]').value") == "live"


def test_a_duplicate_leads_to_its_original_by_a_click(hall: Office, browser: Browser) -> None:
    tab = browser.open(f"{hall.url}/requests?q=please")
    tab.shows("merged into SHOP-1")
    tab.click(".requests a", "SHOP-1")
    tab.shows("Gift wrap for every parcel", ".requests h2")


def test_the_second_page_follows_the_first(hall: Office, browser: Browser) -> None:
    tab = browser.open(f"{hall.url}/requests")
    first = tab.text(".requests h2").splitlines()
    tab.click("a", "Older")
    counted(tab, 35)
    assert not set(first) & set(tab.text(".requests h2").splitlines())
    tab.click("a", "Newer")
    counted(tab, 50)


def test_html_in_a_title_stays_text_also_when_it_is_fetched(hall: Office, browser: Browser) -> None:
    tab = browser.open(f"{hall.url}/requests")
    tab.write("input", "onerror")
    counted(tab, 1)
    assert tab.text(".requests h2") == HOSTILE
    assert tab.script("document.querySelector('#found img, #found script')") is None
    assert tab.script("window.hurt") is None


def test_a_phone_needs_no_sideways_scrolling(hall: Office, browser: Browser) -> None:
    tab = browser.open(f"{hall.url}/requests?q=wish")
    tab.size(390, 844)
    for address in ("requests", "requests?q=WWWW", "requests?q=wrap"):
        tab.go(f"{hall.url}/{address}")
        assert tab.script("innerWidth") == 390
        assert tab.script("document.documentElement.scrollWidth") <= 390
        widest = (
            "Math.max(...[...document.querySelectorAll('body *')].map(e => e.getBoundingClientRect().right))"
        )
        assert tab.script(widest) <= 390
    assert tab.script("parseFloat(getComputedStyle(document.querySelector('input')).fontSize)") >= 16


def test_a_link_with_the_token_opens_the_page_and_leaves_the_address(hall: Office, browser: Browser) -> None:
    open_to(hall, "token")
    try:
        tab = browser.open(f"{hall.url}/requests")
        tab.shows("for those who were given a link")
        tab.go(f"{hall.url}/requests?token={TOKEN}")
        counted(tab, 50)
        assert TOKEN not in tab.script("location.href")
        assert tab.script("document.cookie") == "", "no script reads the cookie"
        tab.write("input", "colour")
        counted(tab, 1)
        assert httpx.get(f"{hall.url}/requests", **LOOPBACK).status_code == 403
    finally:
        open_to(hall, "public")
