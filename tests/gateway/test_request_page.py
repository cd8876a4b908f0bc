"""The page /requests: who gets in, what it shows and what it never shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from starlette.applications import Starlette

from deployments.gateway import request_page
from integrations.ledger import Ledger
from integrations.sandbox.http import LOOPBACK, Server
from integrations.settings import settings
from lifecycle import events as e
from lifecycle.backlog import Unmerged
from tasks import context
from tests.cli.world import policy_data
from tests.gateway.wishes import gone_live, merged, received, record, voted, wish

TOKEN = "shared-with-clients-and-long-enough"
PATHS = ("/requests", "/requests/list")


class Hall:
    """The page over a ledger of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.open_to("public")
        self.book: Ledger = context.ledger()
        self._server = Server(Starlette(routes=request_page.pages()), 0)
        self.http = httpx.Client(base_url=self._server.url, timeout=30, **LOOPBACK)

    def stop(self) -> None:
        self.http.close()
        self._server.stop()

    def open_to(self, whom: str | None) -> None:
        data = policy_data() | ({"requests_page": whom} if whom else {})
        (self.home / "conveyor.yaml").write_text(yaml.safe_dump(data))

    def rows(self, **filters: str) -> list[str]:
        """What each request's row says, its tags taken out."""
        answer = self.http.get("/requests/list", params=filters)
        assert answer.status_code == 200
        items = re.findall(r"<li>(.*?)</li>", answer.text, re.DOTALL)
        return [" ".join(re.sub(r"<[^>]*>", " ", item).split()) for item in items]

    def keys(self, **filters: str) -> list[str]:
        """The keys of the requests that are shown."""
        return [re.findall(r"SHOP-\d+ ·", row)[0][:-2] for row in self.rows(**filters)]


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    monkeypatch.setenv("CONVEYOR_HOME", str(tmp_path))
    monkeypatch.setenv("CONVEYOR_POLICY", str(tmp_path / "conveyor.yaml"))
    monkeypatch.setenv("CONVEYOR_REQUESTS_TOKEN", TOKEN)
    for remembered in (settings, context.ledger):
        remembered.cache_clear()
    made = Hall(tmp_path)
    yield made
    made.stop()
    context.ledger().close()
    for remembered in (settings, context.ledger):
        remembered.cache_clear()


# Who gets in.


@pytest.mark.parametrize("whom", [None, "off"])
@pytest.mark.parametrize("path", PATHS)
def test_without_a_word_in_the_policy_there_is_no_page(hall: Hall, whom: str | None, path: str) -> None:
    hall.open_to(whom)
    assert hall.http.get(path, params={"token": TOKEN}).status_code == 404


def test_an_unquoted_off_in_yaml_is_off(hall: Hall) -> None:
    file = hall.home / "conveyor.yaml"
    file.write_text(file.read_text().replace("requests_page: public", "requests_page: off"))
    assert yaml.safe_load(file.read_text())["requests_page"] is False
    assert hall.http.get("/requests").status_code == 404


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x", "größer", "\ud83c"])
def test_a_wrong_token_opens_nothing_and_gives_no_cookie(hall: Hall, given: str) -> None:
    hall.open_to("token")
    hall.book.mirror("SHOP", [wish(1, "Gift wrap")])
    for path in PATHS:
        query = "".join(f"%{byte:02x}" for byte in given.encode("utf-8", "surrogatepass"))
        answer = hall.http.get(f"{path}?token={query}")
        assert answer.status_code == 403
        assert "Gift wrap" not in answer.text
        assert "set-cookie" not in answer.headers


def test_without_a_token_or_with_a_made_up_cookie_nobody_gets_in(hall: Hall) -> None:
    hall.open_to("token")
    hall.book.mirror("SHOP", [wish(1, "Gift wrap")])
    for cookie in ("", "nonsense", TOKEN):
        for path in PATHS:
            answer = hall.http.get(path, headers={"Cookie": f"{request_page.COOKIE}={cookie}"})
            assert answer.status_code == 403
            assert "Gift wrap" not in answer.text


def test_a_page_by_token_without_a_token_in_the_environment_lets_nobody_in(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVEYOR_REQUESTS_TOKEN", "")
    settings.cache_clear()
    hall.open_to("token")
    assert hall.http.get("/requests?token=").status_code == 403
    assert hall.http.get("/requests", headers={"Cookie": f"{request_page.COOKIE}="}).status_code == 403


def test_the_token_is_passed_once_and_then_kept_in_a_cookie_that_does_not_tell_it(hall: Hall) -> None:
    hall.open_to("token")
    hall.book.mirror("SHOP", [wish(1, "Gift wrap")])
    answer = hall.http.get("/requests", params={"token": TOKEN, "q": "gift & wrap"})
    assert (answer.status_code, answer.headers["location"]) == (303, "requests?q=gift+%26+wrap")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert TOKEN not in cookie
    assert "Gift wrap" in hall.http.get("/requests").text
    assert hall.keys() == ["SHOP-1"]


def test_over_https_the_cookie_is_for_https_only(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.open_to("token")
    assert "Secure" not in hall.http.get(f"/requests?token={TOKEN}").headers["set-cookie"]
    monkeypatch.setenv("CONVEYOR_PUBLIC_URL", "https://conveyor.example")
    settings.cache_clear()
    assert "Secure" in hall.http.get(f"/requests?token={TOKEN}").headers["set-cookie"]


def test_another_token_in_the_environment_ends_what_the_old_one_opened(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall.open_to("token")
    hall.http.get(f"/requests?token={TOKEN}")
    assert hall.http.get("/requests").status_code == 200
    monkeypatch.setenv("CONVEYOR_REQUESTS_TOKEN", TOKEN[::-1])
    settings.cache_clear()
    assert hall.http.get("/requests").status_code == 403


def test_while_the_policy_is_being_edited_the_page_says_try_again(hall: Hall) -> None:
    (hall.home / "conveyor.yaml").write_text("requests_page: [")
    answer = hall.http.get("/requests")
    assert (answer.status_code, answer.text) == (503, "try again")


# What it shows.


def test_a_mirror_that_was_never_filled_says_so(hall: Hall) -> None:
    assert "There is no request yet." in hall.http.get("/requests").text


def test_each_state_is_told_in_words(hall: Hall) -> None:
    hall.book.mirror(
        "SHOP",
        [
            wish(1, "Waits"),
            wish(2, "Planned", fix_versions=("1.4.0",)),
            wish(3, "Built", "In Progress"),
            wish(4, "Tested", "QA"),
            wish(5, "Done", "Waiting Release", fix_versions=("1.4.0",)),
            wish(6, "Out", "Released"),
            wish(7, "Over", "Closed"),
            wish(8, "Strange", "Frobnicating"),
            wish(9, "Same", "Closed"),
        ],
    )
    record(hall.book, "release:shop:1.3.0", gone_live("1.3.0", 6))
    record(hall.book, "project:shop", [merged(9, 1)])
    said = dict(zip(hall.keys(), hall.rows(), strict=True))
    for key, words in {
        "SHOP-1": "we have it",
        "SHOP-2": "planned for 1.4.0",
        "SHOP-3": "in work",
        "SHOP-4": "being tested",
        "SHOP-5": "done, comes with 1.4.0",
        "SHOP-6": "live since 2026-11-03 release 1.3.0",
        "SHOP-7": "closed",
        "SHOP-8": "we have it",
        "SHOP-9": "merged into SHOP-1",
    }.items():
        assert words in said[key]
    assert "asks for the same: SHOP-9" in said["SHOP-1"]
    assert "asks for the same: SHOP-1" in said["SHOP-9"]


def test_the_page_follows_what_happens(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(1, "Gift wrap"), wish(2, "Gift paper"), wish(3, "Search")])
    assert [row.count("we have it") for row in hall.rows()] == [1, 1, 1]
    later = wish(1, "Gift wrap").updated + timedelta(days=1)
    hall.book.mirror("SHOP", [wish(1, "Gift wrap for all", "QA", updated=later)])
    record(hall.book, "project:shop", [merged(2, 1)])
    hall.book.unmirror("SHOP", ["SHOP-3"])
    second, first = hall.rows()
    assert first.startswith("Gift wrap for all being tested")
    assert "merged into SHOP-1" in second
    taken_back = Unmerged(issue="SHOP-2", into="SHOP-1", round=1, person="mara", door="slack")
    record(hall.book, "project:shop", [taken_back])
    assert "merged" not in hall.rows()[0]
    record(hall.book, "release:shop:1.5.0", gone_live("1.5.0", 2)[:1])
    assert "planned for 1.5.0" in hall.rows()[0]
    record(hall.book, "release:shop:1.5.0", [e.Abandoned(person="mara", reason="no")])
    assert "we have it" in hall.rows()[0]


def test_votes_are_everybody_who_asked_or_voted_once_and_who_voted_in_jira(hall: Hall) -> None:
    hall.book.mirror(
        "SHOP", [wish(1, "Gift wrap", votes=3), wish(2, "Gift paper", votes=1), wish(3, "By hand")]
    )
    record(hall.book, "request:SHOP-1", received(1, "Gift wrap", "gerd", "dora"))
    record(hall.book, "request:SHOP-2", received(2, "Gift paper", "gerd", "emil"))
    record(hall.book, "request:SHOP-2", [voted(2, "mara"), voted(2, "gerd")])
    record(hall.book, "project:shop", [merged(2, 1)])
    by_hand, duplicate, original = hall.rows()
    assert "8 votes" in original
    assert "asked by management" in original
    assert "4 votes" in duplicate
    assert "1 vote ·" in by_hand
    assert "asked by client" in by_hand


def test_no_name_no_account_no_address_and_no_text_is_on_the_page(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(1, "Gift wrap"), wish(2, "Paper", reporter="somebody@example.test")])
    record(hall.book, "request:SHOP-1", received(1, "Gift wrap", "gerd"))
    for path in PATHS:
        said = hall.http.get(path).text
        assert "Gift wrap" in said
        for private in ("clara", "Clara", "gerd", "Gerd", "5f0000", "U0GERD", "@", "private"):
            assert private not in re.sub(r"<style>.*?</style>", "", said, flags=re.DOTALL)


def test_who_searches_does_not_learn_what_a_text_holds(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(1, "Gift wrap")])
    assert hall.keys(q="private") == []


def test_what_people_wrote_is_shown_as_text(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(1, '<img src=x onerror="alert(1)">', type="<b>Task</b>")])
    page = hall.http.get("/requests", params={"q": '"><script>alert(2)</script>'}).text
    assert "<script>alert" not in page
    page = hall.http.get("/requests").text
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in page
    assert "<img" not in page
    assert "<b>Task" not in page


def test_a_part_of_a_request_is_no_request(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(1, "Gift wrap"), wish(2, "Test the gift wrap", subtask=True)])
    assert hall.keys() == ["SHOP-1"]


def test_filters_and_words_narrow_the_list_together(hall: Hall) -> None:
    hall.book.mirror(
        "SHOP",
        [
            wish(1, "Gift wrap", type="Bug"),
            wish(2, "Gift paper", "QA"),
            wish(3, "Search", reporter="5f0000:dora"),
            wish(12, "Wrap"),
        ],
    )
    assert hall.keys() == ["SHOP-12", "SHOP-3", "SHOP-2", "SHOP-1"]
    assert hall.keys(q="GIFT") == ["SHOP-2", "SHOP-1"]
    assert hall.keys(q="gift", state="being tested") == ["SHOP-2"]
    assert hall.keys(type="Bug") == ["SHOP-1"]
    assert hall.keys(source="developer") == ["SHOP-3"]
    assert hall.keys(q="shop-1") == ["SHOP-1", "SHOP-12"]
    assert hall.keys(q="gift " * 300) == ["SHOP-2", "SHOP-1"]
    page = hall.http.get("/requests", params={"q": "nothing like it", "state": "live"}).text
    assert "No request is like that" in page
    assert "<option selected>live</option>" in page
    assert 'value="nothing like it"' in page


def test_the_list_is_paged_and_every_request_is_on_one_page(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(n, f"Wish {n}") for n in range(1, 2 * request_page.SHOWN + 4)])
    pages = [hall.keys(q="wish", page=str(number)) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [request_page.SHOWN, request_page.SHOWN, 3]
    assert len({key for page in pages for key in page}) == 2 * request_page.SHOWN + 3
    assert hall.keys(q="wish", page="99") == pages[2]
    for nonsense in ("0", "-1", "x", "²", "9" * 99):
        assert hall.keys(page=nonsense) == hall.keys()
    first = hall.http.get("/requests", params={"q": "wish"}).text
    assert 'href="requests?q=wish&amp;page=2"' in first
    assert "Newer" not in first


def test_without_a_script_the_form_asks_for_the_whole_page(hall: Hall) -> None:
    hall.book.mirror("SHOP", [wish(1, "Gift wrap"), wish(2, "Search")])
    page = hall.http.get("/requests", params={"q": "gift", "source": "", "type": "", "state": ""}).text
    assert re.search(r'<form action="requests" method="get"', page)
    assert "<button>Search</button>" in page
    assert ("Gift wrap" in page, "<h2>Search</h2>" in page) == (True, False)


def test_the_page_takes_no_write_and_is_kept_by_nobody(hall: Hall) -> None:
    before = hall.book.head()
    for path in PATHS:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert hall.http.request(method, path, data={"q": "x"}).status_code == 405
        answer = hall.http.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert hall.book.head() == before
    policy = hall.http.get("/requests").headers["content-security-policy"]
    assert "default-src 'none'" in policy
