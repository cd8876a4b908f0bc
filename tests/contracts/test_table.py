"""The page of the contracts says what the tables say now."""

from __future__ import annotations

import pytest

from tests.contracts.table import PAGE, SOURCES, markdown

pytestmark = pytest.mark.skipif(
    not all(source.is_file() for source in SOURCES), reason="needs ../shared/contracts"
)


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run python -m tests.contracts.table"
