"""The documents: their links lead somewhere, and what they say of the settings is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from integrations.settings import GitLabSettings, JiraSettings, PrometheusSettings, Settings, SlackSettings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deployments").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
ROW = re.compile(r"^\| `(CONVEYOR_\w+)` \| (?:`([^`]*)`)? ?\|(.*)\|$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = [found[1] for found in LINK.finditer(page.read_text(encoding="utf-8"))]
    files = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [file for file in files if not (page.parent / file).exists()] == []


def test_every_picture_is_small_and_shown_somewhere() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert [p.name for p in pictures if p.stat().st_size > 300_000 or f"images/{p.name}" not in shown] == []


def _defaults(model: type[BaseSettings]) -> Iterator[tuple[str, str, bool]]:
    """Each variable of `model`, its default as text, and whether it is secret."""
    prefix = str(model.model_config.get("env_prefix"))
    for name, field in model.model_fields.items():
        if field.default_factory is None:
            secret = isinstance(field.default, SecretStr)
            yield f"{prefix}{name}".upper(), "" if secret else str(field.default), secret


def test_the_table_of_settings_has_every_variable_with_its_default() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    told = [(name, default, about.strip().endswith("Secret")) for name, default, about in ROW.findall(page)]
    known = [
        row
        for model in (Settings, JiraSettings, GitLabSettings, SlackSettings, PrometheusSettings)
        for row in _defaults(model)
    ]
    assert told == known
