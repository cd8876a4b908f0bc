import gzip
import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.duplicates import TUNED, Index

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
BACKLOG = Path("../shared/backlog")

SHOP = [
    ("SHOP-1", "The cart shows a wrong total", "Two articles with cents are added up wrongly."),
    ("SHOP-2", "Search finds nothing with umlauts", "Searching for Müsli gives an empty page."),
    ("SHOP-3", "Pay by invoice", "Companies want to pay by invoice within 14 days."),
    ("SHOP-4", "openCartView crashes on an empty cart", "Traceback in CartView when nothing was put in."),
]


def shop() -> Index:
    index = Index()
    for key, title, body in SHOP:
        index.add(key, title, body, NOW)
    return index


@pytest.mark.parametrize("text", ["", "   ", "?!", "the of and"])
def test_a_request_without_words_is_like_nothing(text: str) -> None:
    assert shop().rank(text, text, NOW) == []


def test_an_empty_index_finds_nothing() -> None:
    assert Index().rank("The cart shows a wrong total", "", NOW) == []


def test_a_request_without_words_is_added_and_never_found() -> None:
    index = Index()
    index.add("SHOP-1", "", "", NOW)
    assert len(index) == 1
    assert index.rank("cart", "", NOW) == []


def test_words_that_no_request_has_find_nothing() -> None:
    assert shop().rank("Quarterly zeppelin", "", NOW) == []


def test_a_wish_without_a_title_is_compared_by_its_body() -> None:
    assert shop().rank("", "Companies want to pay by invoice.", NOW)[0][0] == "SHOP-3"


def test_a_text_of_100_kb_is_read_only_as_far_as_it_helps() -> None:
    index = shop()
    huge = "cart " * 20_000
    index.add("SHOP-9", "Logs", huge, NOW)
    assert len(huge) == 100_000
    assert "SHOP-1" in dict(index.rank("The cart shows a wrong total", huge, NOW))


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Wrong totals in carts", "SHOP-1"),
        ("searching with an umlaut finds nothing", "SHOP-2"),
        ("INVOICES for paying companies", "SHOP-3"),
        ("Crash when the view of the empty cart is opened: open cart view", "SHOP-4"),
    ],
)
def test_the_same_wish_in_other_words_is_found_first(title: str, key: str) -> None:
    assert shop().rank(title, "", NOW)[0][0] == key


def test_the_same_text_at_the_same_time_scores_one_and_nothing_more() -> None:
    (key, score), *rest = shop().rank(*SHOP[0][1:], NOW)
    assert key == "SHOP-1"
    assert score > 0.9
    assert all(other < 0.5 for _, other in rest)


def test_of_two_equal_requests_the_more_recent_is_first() -> None:
    index = Index()
    index.add("OLD-1", "Pay by invoice", "", NOW - 900 * DAY)
    index.add("NEW-1", "Pay by invoice", "", NOW - 1 * DAY)
    (first, high), (second, low) = index.rank("Pay by invoice", "", NOW)
    assert (first, second) == ("NEW-1", "OLD-1")
    assert TUNED.recency_floor <= low < high


def test_of_two_equal_requests_of_one_day_the_earlier_taken_in_is_first() -> None:
    index = Index()
    for key in ("B", "A"):
        index.add(key, "Pay by invoice", "", NOW)
    assert [key for key, _ in index.rank("Pay by invoice", "", NOW)] == ["B", "A"]


def test_a_request_from_later_counts_as_new() -> None:
    index = Index()
    index.add("SHOP-3", "Pay by invoice", "", NOW + 900 * DAY)
    assert index.rank("Pay by invoice", "", NOW)[0][1] == pytest.approx(1.0, abs=1e-6)


def test_a_request_added_twice_is_found_once_as_it_was_first_said() -> None:
    index = shop()
    index.add("SHOP-3", "Something else", "", NOW)
    assert len(index) == len(SHOP)
    assert [key for key, _ in index.rank("Pay by invoice", "", NOW)].count("SHOP-3") == 1


def test_a_query_looks_at_its_rarest_words_first_and_at_no_more_than_allowed() -> None:
    index = Index(TUNED._replace(postings=3))
    for number in range(9):
        index.add(f"SHOP-{number}", "common" if number else "common rare", "", NOW)
    assert [key for key, _ in index.rank("common rare", "", NOW)] == ["SHOP-0"]


def test_no_more_than_asked_for_is_answered() -> None:
    assert len(shop().rank("cart", "cart", NOW, k=1)) == 1
    assert shop().rank("cart", "cart", NOW, k=0) == []


def test_a_request_of_the_same_component_is_preferred_to_one_of_another_or_of_none() -> None:
    index = Index()
    for key, components in (("NONE", set[str]()), ("OTHER", {"search"}), ("SAME", {"pay", "cart"})):
        index.add(key, "Pay by invoice", "", NOW, components)
    asked = index.rank("Pay by invoice", "", NOW, components={"pay", "cart"})
    assert [key for key, _ in asked] == ["SAME", "NONE", "OTHER"]
    assert [score for _, score in asked] == [pytest.approx(share) for share in (1.0, 0.9, 0.8)]
    assert [score for _, score in index.rank("Pay by invoice", "", NOW)] == [pytest.approx(1.0)] * 3


def test_what_a_body_says_first_counts_for_more_than_what_it_says_late() -> None:
    index, filler = Index(), "step " * 200
    index.add("LATE", "Trouble", f"{filler} umlaut", NOW)
    index.add("FIRST", "Trouble", f"umlaut {filler}", NOW)
    assert [key for key, _ in index.rank("Trouble", "umlaut", NOW)] == ["FIRST", "LATE"]


def test_markup_emoji_and_writing_from_right_to_left_are_compared_too() -> None:
    index = shop()
    index.add("SHOP-9", "💥 העגלה ריקה", "<p>העגלה <b>ריקה</b> &amp; 💥</p>", NOW)
    assert index.rank("<i>העגלה</i>", "💥", NOW)[0][0] == "SHOP-9"


vocabulary = ("cart", "total", "pay", "invoice", "search", "crash", "view", "CartView", "empty", "page")
words = st.lists(st.sampled_from(vocabulary), max_size=8)
texts = words.map(" ".join)
parts = st.frozensets(st.sampled_from(("cart", "search", "pay")))
wishes = st.tuples(texts, texts, st.integers(0, 900), parts)
requests = st.lists(wishes, max_size=12)
Wish = tuple[str, str, int, frozenset[str]]


def indexed(taken: list[tuple[str, Wish]]) -> Index:
    index = Index()
    for key, (title, body, age, components) in taken:
        index.add(key, title, body, NOW - age * DAY, components)
    return index


def named(taken: list[Wish]) -> list[tuple[str, Wish]]:
    return [(f"SHOP-{number}", wish) for number, wish in enumerate(taken)]


@given(requests, texts, texts, parts, st.integers(1, 5))
def test_scores_are_shares_in_order_and_every_request_comes_once(
    taken: list[Wish], title: str, body: str, components: frozenset[str], k: int
) -> None:
    found = indexed(named(taken)).rank(title, body, NOW, k, components)
    scores = [score for _, score in found]
    assert len(found) <= k
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    assert len({key for key, _ in found}) == len(found)


@given(requests, texts, texts, parts, st.integers(1, 5))
def test_the_best_few_are_the_first_of_all(
    taken: list[Wish], title: str, body: str, components: frozenset[str], k: int
) -> None:
    index = indexed(named(taken))
    assert index.rank(title, body, NOW, k, components) == index.rank(title, body, NOW, 100, components)[:k]


@given(requests, texts, texts, parts, st.randoms(use_true_random=False))
def test_the_order_of_adding_decides_only_between_equal_ones(
    taken: list[Wish], title: str, body: str, components: frozenset[str], chance: Random
) -> None:
    first = named(taken)
    second = chance.sample(first, len(first))
    assert sorted(indexed(first).rank(title, body, NOW, 100, components)) == sorted(
        indexed(second).rank(title, body, NOW, 100, components)
    )


@given(requests, texts, texts, st.integers(0, 12))
def test_questions_between_the_additions_change_nothing(
    taken: list[Wish], title: str, body: str, pause: int
) -> None:
    index = indexed(named(taken)[:pause])
    index.rank(title, body, NOW)
    for key, (its_title, its_body, age, components) in named(taken)[pause:]:
        index.add(key, its_title, its_body, NOW - age * DAY, components)
    assert index.rank(title, body, NOW, 100) == indexed(named(taken)).rank(title, body, NOW, 100)


@given(requests, texts.filter(bool), texts, parts)
def test_the_same_request_of_the_same_time_scores_one_and_is_before_its_later_equals(
    taken: list[Wish], title: str, body: str, components: frozenset[str]
) -> None:
    same = (title, body, 0, components)
    others = [(f"OTHER-{number}", wish) for number, wish in enumerate(taken) if wish != same]
    index = indexed([*others, ("SAME-1", same), ("SAME-2", same)])
    found = dict(index.rank(title, body, NOW, 100, components))
    assert found["SAME-1"] == pytest.approx(1.0, abs=1e-5)
    order = list(found)
    assert order.index("SAME-1") < order.index("SAME-2")


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_can_be_added_and_asked_for(title: str, body: str) -> None:
    index = shop()
    index.add("SHOP-9", title, body, NOW)
    found = dict(index.rank(title, body, NOW, 100))
    assert "SHOP-9" in found or not index.rank(title, body, NOW)


@pytest.mark.slow
@pytest.mark.skipif(not BACKLOG.exists(), reason="the shared backlog is not beside the project")
@pytest.mark.parametrize(("tracker", "count", "least"), [("titanium", 4000, 0.7), ("hadoop", 2503, 0.88)])
def test_known_duplicates_of_a_real_tracker_are_found(tracker: str, count: int, least: float) -> None:
    with gzip.open(BACKLOG / tracker / "reports.jsonl.gz", "rt", encoding="utf-8") as lines:
        reports = [json.loads(line) for line in islice(lines, count)]
    clusters = json.loads((BACKLOG / tracker / "labels.json").read_text())["clusters"]
    cluster_of = {key: number for number, members in enumerate(clusters) for key in members}
    index, seen, hits = Index(), 0, 0
    earlier: set[int] = set()
    for report in reports:
        created = datetime.fromisoformat(report["created"]).replace(tzinfo=UTC)
        components = frozenset(report.get("components", ()))
        cluster = cluster_of.get(report["id"])
        if cluster in earlier:
            found = index.rank(report["title"], report["description"], created, 10, components)
            seen += 1
            hits += any(cluster_of.get(key) == cluster for key, _ in found)
        if cluster is not None:
            earlier.add(cluster)
        index.add(report["id"], report["title"], report["description"], created, components)
    assert seen > 50
    assert hits / seen >= least
