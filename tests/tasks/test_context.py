"""What a process that lives long sees of a policy file that changes under it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from integrations.errors import NotFound, Refused
from integrations.ledger import Ledger
from tasks.context import policy
from tests.cli.world import policy_data


@pytest.mark.usefixtures("book")
def test_a_changed_policy_counts_at_once(tmp_path: Path) -> None:
    before = policy()
    assert policy() is before
    changed = policy_data()
    changed["people"] = [person for person in changed["people"] if person["id"] != "dora"]
    (tmp_path / "conveyor.yaml").write_text(yaml.safe_dump(changed))
    assert (before.person("dora") is None, policy().person("dora")) == (False, None)


def test_a_policy_that_is_broken_or_gone_is_refused_until_it_is_mended(book: Ledger, tmp_path: Path) -> None:
    good = policy()
    path = tmp_path / "conveyor.yaml"
    text = path.read_text()
    path.write_text("people: nobody\n")
    with pytest.raises(Refused):
        policy()
    path.unlink()
    with pytest.raises(NotFound):
        policy()
    path.write_text(text)
    assert policy() == good
    assert book.head()[0] == 0
