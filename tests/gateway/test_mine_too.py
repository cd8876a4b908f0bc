"""The page behind a link "mine too": a press joins one's own request to an earlier one, a look does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from lifecycle.requests import AlikeFound, Door, Received, Requester
from lifecycle.scoring import RequestSource
from tests.gateway.world import Office

_NUMBERS = count(1)


@pytest.fixture
def alike(office: Office) -> AlikeFound:
    """Somebody at GitLab asked for what was asked for before."""
    number = next(_NUMBERS)
    key = f"SHOP-{800 + number}"
    received = Received(
        issue=key,
        origin=f"gitlab:1:{number}",
        door=Door.GITLAB,
        source=RequestSource.DEVELOPER,
        title="Vouchers <b>",
        requester=Requester(name="Zoe", gitlab=99),
        at=datetime.now(UTC),
    )
    id_ = f"{number:024x}"
    found = AlikeFound(request=id_, issue=key, other=f"SHOP-{700 + number}", title="Gift cards", score=0.7)
    office.record(f"request:{key}", received, found)
    return found


def path(office: Office, alike: AlikeFound, who: str = "gitlab:99", age: timedelta = timedelta()) -> str:
    return office.link(who, alike.request, purpose="mine-too", age=age)


def merged(office: Office, alike: AlikeFound) -> list[tuple[str, str, str, str]]:
    facts = [event.data for event in office.ledger.events("project:shop")]
    mine = [fact for fact in facts if fact["issue"] == alike.issue]
    return [(str(f["into"]), str(f["person"]), str(f["name"]), str(f["door"])) for f in mine]


def test_a_link_for_another_page_a_forged_and_an_old_one_are_refused(
    office: Office, alike: AlikeFound
) -> None:
    sign_off = office.link("gitlab:99", alike.request).replace("/decide/", "/mine-too/")
    forged = office.link("gitlab:99", alike.request, purpose="mine-too", secret="guessed")
    for address in (sign_off, forged, "/mine-too/nonsense", path(office, alike, age=timedelta(days=15))):
        assert office.http.get(address).status_code == 403
        assert office.http.post(address).status_code == 403
    decide = path(office, alike).replace("/mine-too/", "/decide/")
    assert office.http.get(decide).status_code == 403
    assert merged(office, alike) == []


def test_a_link_of_somebody_who_did_not_ask_for_it_is_none(office: Office, alike: AlikeFound) -> None:
    for who in ("gitlab:98", "person:mara", ""):
        assert office.http.post(path(office, alike, who)).status_code == 404
    assert merged(office, alike) == []


def test_looking_changes_nothing_and_shows_both(office: Office, alike: AlikeFound) -> None:
    shown = office.http.get(path(office, alike))
    assert shown.status_code == 200
    assert "Vouchers &lt;b&gt;" in shown.text
    assert "Gift cards" in shown.text
    assert merged(office, alike) == []


def test_a_press_joins_it_once_by_who_asked_and_wakes_the_intake(office: Office, alike: AlikeFound) -> None:
    first, again = (office.http.post(path(office, alike)) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert f"goes on as {alike.other}" in first.text
    assert "<form" not in again.text
    assert merged(office, alike) == [(alike.other, "gitlab:99", "Zoe", "link")]
    assert office.ledger.wakeup("project:shop").wanted
