"""Makes the pictures in docs/images of who signs and looks: `python -m tests.gateway.pictures [requests]`.

The same pages as in test_browser.py and test_request_browser.py, driven the same way, with a release that has
something to tell. With `requests` only those of that page are made.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deployments.stack import ROOT
from lifecycle.metrics import CommitFact
from lifecycle.requests import Door, Received, Requester
from lifecycle.scoring import RequestSource
from tests.gateway.browser import Browser, Tab, chromium
from tests.gateway.wishes import gone_live, merged, record, wish
from tests.gateway.world import Asked, Office

IMAGES = ROOT / "docs" / "images"
TITLE = "Gift wrap for every parcel"
DIGESTS = {"SHOP-3": "3" * 64, "SHOP-4": "4" * 64}
FIRST, SECOND = (hashlib.sha256(name).hexdigest()[:40] for name in (b"first", b"second"))


def delta(commits: int) -> dict[str, Any]:
    """What a candidate brings: so many commits, and a migration."""
    return {
        "authors": ("dora",),
        "commits": tuple(
            CommitFact(sha=f"{number:040x}", authored_at=datetime.now(UTC)) for number in range(commits)
        ),
        "since": "1.0.0",
        "files": ("shop/migrations/0007_gift_wrap.sql", "shop/basket.py", "shop/search.py"),
        "files_total": 5,
    }


def main() -> None:
    """Make them all."""
    program = chromium()
    if program is None:
        sys.exit("there is no Chromium on this machine")
    with tempfile.TemporaryDirectory() as folder:
        office, browser = Office(Path(folder) / "office"), None
        policy = office.home / "conveyor.yaml"
        policy.write_text(f"{policy.read_text()}\nrequests_page: public\n")
        try:
            office.start()
            browser = Browser(Path(folder), program)
            if sys.argv[1:] != ["requests"]:
                _make(office, browser)
            _requests(office, browser)
        finally:
            if browser:
                browser.stop()
            office.stop()


def _make(office: Office, browser: Browser) -> None:
    wish = Requester(name="Clara (client)", person="clara")
    office.record(
        "request:SHOP-3",
        Received(
            issue="SHOP-3",
            origin="jira:SHOP-3",
            door=Door.JIRA,
            source=RequestSource.CLIENT,
            title=TITLE,
            requester=wish,
            at=datetime.now(UTC),
        ),
    )
    asked = office.asking(title=TITLE, digests=DIGESTS, sha=FIRST, ago=timedelta(hours=5), **delta(3))
    office.refresh(asked)
    mara, quinn = (_channel(office, browser, slug) for slug in ("mara", "quinn"))

    mara.click(_button(asked, "signoff.approve", "SHOP-3"))
    mara.shows("QA is signed by qa", ".ephemeral")
    _take(mara, "slack-refused", 600)

    quinn.click(_button(asked, "signoff.approve", "SHOP-4"))
    quinn.shows("signed by Quinn (QA)", _at(asked))
    _take(quinn, "slack-approved", 500)

    quinn.click(_button(asked, "signoff.return", "SHOP-3"))
    quinn.write(".modal textarea", "The ribbon is missing on parcels of more than one item.")
    _take(quinn, "slack-return", 600)
    quinn.click(".modal footer .primary")
    quinn.shows("returned by Quinn (QA)", _at(asked))

    again = office.asking_again(asked, SECOND, digests={**DIGESTS, "SHOP-3": "5" * 64}, **delta(4))
    office.refresh(asked)
    quinn.shows("A newer candidate is out", _at(asked))
    quinn.shows("kept from", _at(again))
    _take(quinn, "slack-superseded", 790)

    consent = office.asking("client", title=TITLE, ago=timedelta(hours=2))
    clara = browser.open(office.url + office.link("clara", consent.requests["client"]))
    clara.write("textarea", "The wrap looks lovely, thank you.")
    _take_whole(clara, "client-page", 1000)

    quinn.click(_button(again, "signoff.approve", "SHOP-3"))
    quinn.shows("SHOP-3 Gift wrap for every parcel · asked for by Clara (client)\n✔ signed", _at(again))
    office.asking("approval", due=-timedelta(hours=3), ago=timedelta(days=1, hours=3))
    office.asking("check", due=timedelta(hours=20), ago=timedelta(hours=28))
    office.asking(title=TITLE, due=timedelta(hours=42), ago=timedelta(hours=6))
    _take_whole(browser.open(f"{office.url}/pending"), "pending", 1200)


def _requests(office: Office, browser: Browser) -> None:
    """The page /requests after somebody typed a word, on a desk and on a phone."""
    office.ledger.mirror(
        "SHOP",
        [
            wish(71, "Gift wrap for every parcel", "Waiting Release", type="Story", votes=5),
            wish(72, "Please wrap presents", "Closed", reporter="5f0000:gerd"),
            wish(73, "Gift vouchers in the cart", fix_versions=("1.5.0",), type="Story", votes=3),
            wish(74, "Gift list to share with the family", "In Progress"),
            wish(75, "A gift is charged twice", "Released", type="Bug", votes=1),
            wish(76, "Print a gift receipt without prices", reporter="5f0000:dora"),
            wish(77, "Say when an order will arrive", votes=2),
            wish(78, "Search by colour", "QA"),
        ],
    )
    record(office.ledger, "release:shop:1.3.0", gone_live("1.3.0", 75))
    record(office.ledger, "project:shop", [merged(72, 71)])
    tab = browser.open(f"{office.url}/requests")
    tab.write("input", "gift")
    tab.shows("5 of 8 requests")
    _take_whole(tab, "requests", 900)
    tab.size(390, 844)
    tab.picture(IMAGES / "requests-phone.png")


def _channel(office: Office, browser: Browser, slug: str) -> Tab:
    return browser.open(f"{office.slack.url}/?as={slug}&channel=releases")


def _at(asked: Asked) -> str:
    return f'article[data-ts="{asked.ts}"]'


def _button(asked: Asked, action: str, issue: str) -> str:
    return f'{_at(asked)} button[data-action="{action}"][data-value="{asked.requests[issue]}"]'


def _take(tab: Tab, name: str, height: int) -> None:
    tab.size(1100, height)
    tab.script("document.querySelector('.scroll').scrollTop = 1e6")
    tab.picture(IMAGES / f"{name}.png")


def _take_whole(tab: Tab, name: str, width: int) -> None:
    """The page from its top to its end, and as much room below as above."""
    tab.size(width, 200)
    end = tab.script("document.querySelector('main').getBoundingClientRect().bottom")
    tab.size(width, int(end) + 40)
    tab.picture(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
