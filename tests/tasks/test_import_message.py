"""The one message of an import: as many of its requests as Slack takes, and how many there are."""

from __future__ import annotations

import pytest

from integrations.slack import blocks as b
from lifecycle.requests import AlikeFound
from tasks.import_message import LINKED, LISTED, Progress, Row, content

LIKE = AlikeFound(request="r", issue="SHOP-2", other="SHOP-1", title="t", score=0.5)


def progress(rows: int, total: int, site: str = "http://jira", stopped: str = "") -> Progress:
    state = Progress("w <1>.csv", "Shop", total, lambda key: f"{site}/browse/{key}", stopped=stopped)
    for number in range(rows):
        alike = (LIKE, LIKE) if number == 0 else ()
        state.add(Row(f"SHOP-{number}", "A <wish> & more " * 20, alike), here=True)
    return state


@pytest.mark.parametrize("site", ["http://jira", "https://" + "long." * 40 + "example"])
@pytest.mark.parametrize("rows", [0, 1, LISTED, LISTED + 1, LISTED + LINKED + 1, 5000])
def test_slack_takes_it_however_many_there_are_and_each_is_counted(rows: int, site: str) -> None:
    said = content(progress(rows, rows, site))
    assert b.fits(said.blocks)
    assert said.text.startswith(f"📥 Imported w <1>.csv for Shop: {rows} new request")
    shown = str(said.blocks)
    keys = sum(f"|SHOP-{number}>" in shown for number in range(rows))
    assert (f", and {rows - keys} more" in shown) is (keys < rows)
    assert keys >= min(rows, LISTED // 2)


def test_it_says_how_far_it_is_what_it_is_like_and_why_it_stopped() -> None:
    state = progress(1, 3, stopped="stopped at row 3: <no>")
    state.add(Row("SHOP-9", "Old", ()), here=False)
    text = str(content(state).blocks)
    assert "2 of 3 rows in · 1 came in before · 1 read like earlier ones" in text
    assert "⚠️ stopped at row 3: &lt;no&gt;; run it again for the rest" in text
    assert "A &lt;wish&gt; &amp; more" in text
    assert "reads like <http://jira/browse/SHOP-1|SHOP-1> (50%) and 1 more" in text
    assert "SHOP-9" not in text
