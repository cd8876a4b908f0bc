"""The pages in docs/ that are made from the rules say what the rules say."""

from __future__ import annotations

import re

import pytest

from docs.generate import HERE, PAGES
from lifecycle.events import KINDS
from lifecycle.phases import TRANSITIONS, Phase


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_current(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") == PAGES[name](), (
        "run: .venv/bin/python docs/generate.py"
    )


def test_the_matrix_on_the_page_is_the_table_of_the_rules_cell_by_cell() -> None:
    """Read back from the Markdown, so that a fault of the generator shows."""
    page = (HERE / "release-phases.md").read_text(encoding="utf-8").split("## The whole table")[1]
    phases = list(Phase)
    found: dict[tuple[Phase, str], Phase] = {}
    for kind, cells in re.findall(r"^\| `(\w+)` \|((?:[^|\n]*\|){13})$", page, re.MULTILINE):
        for phase, cell in zip(phases, cells.split("|"), strict=False):
            if cell.strip():
                number = cell.strip().removeprefix("→ ")
                found[phase, kind] = phase if number == "•" else phases[int(number) - 1]
    assert found == TRANSITIONS


def test_the_picture_draws_every_way_from_one_phase_to_another() -> None:
    page = (HERE / "release-phases.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^    (\w+) --> (\w+): (.+)$", page, re.MULTILINE)
    moves = {
        (_plain(before), _plain(after), kind)
        for (before, kind), after in TRANSITIONS.items()
        if before is not after and kind != "Abandoned"
    }
    assert {(b, a, kind) for b, a, kinds in drawn for kind in kinds.split(", ")} == moves


def _plain(phase: Phase) -> str:
    return re.sub(r"[^A-Za-z]", "", phase.title())


def test_every_fact_is_explained() -> None:
    page = (HERE / "release-phases.md").read_text(encoding="utf-8").split("## The facts")[1]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(KINDS)
