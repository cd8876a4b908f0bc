"""The example in docs/planning.md is what the rules compute."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lifecycle.scoring import Note, Request, RequestSource, Weights, score
from lifecycle.values import Finished, Known, Value, ValueSet, standing, suggest

PAGE = Path(__file__).parents[2] / "docs" / "planning.md"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CREATED = NOW - timedelta(days=45)


def test_the_example_is_computed_as_it_stands_on_the_page() -> None:
    known = Known(
        created=CREATED,
        due=date(2026, 3, 4),
        sources=frozenset({RequestSource.CLIENT}),
        asked=4,
        alike=(Finished(key="SHOP-12", points=3), Finished(key="SHOP-40", points=3)),
    )
    by_mara = ValueSet(
        value=Value.IMPORTANCE, round=1, to=4, person="Mara", why="a large client", door="slack"
    )
    now = standing([by_mara], suggest(known, NOW, Weights().full_age))
    request = Request.model_validate(
        {
            "key": "SHOP-7",
            "title": "Pay by invoice",
            "source": "client",
            "created": CREATED,
            "requesters": ("ann", "bob", "cem"),
            "votes": 1,
            "blocks": ("SHOP-9",),
            **{value.value: now[value].to for value in (Value.URGENCY, Value.IMPORTANCE, Value.COMPLEXITY)},
            "notes": {value.value: Note(s.basis, s.why) for value, s in now.items() if s.to is not None},
        }
    )
    found = score(request, NOW, Weights())
    text = PAGE.read_text(encoding="utf-8").split("An example, which a test computes.")[1]
    rows = re.findall(r"^\| ([a-z ]+) \| ([\d.]+) \| (.+) \|$", text, re.MULTILINE)
    assert rows[:-1] == [(term.name, str(term.value), term.why) for term in found.terms]
    assert rows[-1][:2] == ("score", str(found.total))
    assert rows[-1][2] == "(12 + 4 + 10 + 1.5 + 2) / 3"


def test_the_weights_on_the_page_are_the_rules() -> None:
    page = PAGE.read_text(encoding="utf-8")
    weights = Weights()
    source = weights.source
    said = (
        f"importance × {weights.importance:g} × the source's weight: "
        f"client {source[RequestSource.CLIENT]:g}, management {source[RequestSource.MANAGEMENT]:g}, "
        f"developer {source[RequestSource.DEVELOPER]:g}",
        f"each once, at most {weights.asked_at_most}",
        f"urgency × {weights.urgency:g}",
        f"up to {weights.age:g}, reached after {weights.full_age.days} days",
        f"{weights.enables:g} for each open request that waits for it, at most {weights.enables_at_most}",
        f"{weights.unknown_size} where nothing is known",
    )
    assert [each for each in said if each not in page] == []
