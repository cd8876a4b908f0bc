"""Each change beside the story is noticed by one part of the delivery, and by no other."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.shop import template_dir
from integrations.sandbox.shop.changes import CHANGES, apply
from integrations.sandbox.shop.trials import TRIALS

#: What a change adds to the reports of the shop as it is.
NOTICED: Mapping[str, dict[str, Any]] = {
    "order-notes": {"migrations": ["0003_order_notes"]},
    "long-notes": {},
    "forget-emails": {"migrations": ["0004_forget_emails"], "irreversible": ["0004_forget_emails"]},
    "leaked-token": {"secret-detection": ["gitlab_token"]},
    "eval-discount": {"sast": ["eval"]},
    "old-printer": {"dependency-scanning": ["SHOP-ADV-0001"], "licences": ["MIT"]},
    "foreign-licence": {"licences": ["AGPL-3.0-only"]},
    "old-image": {"container-scanning": ["base_image"]},
    "winding-receipt": {"quality": ["complex-function"]},
    "untested-export": {"below 90 %": True},
    "big-picture": {"above 150 kB": True},
    "noisy-start": {},
    "slow-start": {},
}
#: What a change starts from.
BEFORE: Mapping[str, tuple[str, ...]] = {"long-notes": ("order-notes",)}


class Tree:
    """A working copy of the shop, all of it committed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(template_dir(), path)
        self.git("init", "-q")
        self.commit("first")

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.test")
        command = ["git", "-C", str(self.path), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def run(self, tool: str) -> str:
        command = ["python3", "-S", "-B", f"tools/{tool}.py"]
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def noticed(self) -> dict[str, Any]:
        """What the reports say, without what is as it was in the template."""
        self.run("scan")
        covered = re.search(r"^TOTAL .* (\d+\.\d+)%$", self.run("run_tests"), re.M)
        assert covered is not None
        found: dict[str, Any] = {}
        for kind in ("sast", "secret-detection", "dependency-scanning", "container-scanning"):
            rows = self.report(f"gl-{kind}-report.json")["vulnerabilities"]
            found[kind] = [row["identifiers"][0]["value"] for row in rows]
        found["quality"] = [row["check_name"] for row in self.report("gl-code-quality-report.json")]
        parts = self.report("gl-sbom.cdx.json")["components"]
        found["licences"] = [part["licenses"][0]["license"]["id"] for part in parts[1:]]
        migrations = self.report("migrations.json")["migrations"][2:]
        found["migrations"] = [row["id"] for row in migrations]
        found["irreversible"] = [row["id"] for row in migrations if not row["reversible"]]
        found["below 90 %"] = float(covered[1]) < 90
        metrics = (self.path / "reports" / "metrics.txt").read_text()
        found["above 150 kB"] = int(metrics.split("image_size_bytes ")[-1].split()[0]) > 150_000
        return {name: value for name, value in found.items() if value}

    def report(self, name: str) -> Any:
        return json.loads((self.path / "reports" / name).read_text())


@pytest.mark.parametrize("change", [trial.id for trial in TRIALS])
def test_a_change_is_noticed_as_it_says_and_the_shops_own_tests_pass(change: str, tmp_path: Path) -> None:
    tree = Tree(tmp_path / "shop")
    for earlier in BEFORE.get(change, ()):
        apply(earlier, tree.path)
        tree.commit(earlier)
    already = tree.noticed() if change in BEFORE else {}
    apply(change, tree.path)
    tree.commit(change)
    assert tree.noticed() == {**already, **NOTICED[change]}


def test_git_cannot_revert_the_first_of_two_on_the_same_lines_without_the_second(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "shop")
    commits: dict[str, str] = {}
    for change in ("order-notes", "search", "long-notes", "forget-emails"):
        apply(change, tree.path)
        commits[change] = tree.commit(change)
    alone = tree.git("revert", "--no-edit", commits["order-notes"])
    assert alone.returncode != 0
    assert "CONFLICT" in alone.stdout
    tree.git("revert", "--abort")
    assert tree.git("revert", "--no-edit", commits["search"]).returncode == 0
    both = tree.git("revert", "--no-edit", commits["long-notes"], commits["order-notes"])
    assert both.returncode == 0, both.stderr
    assert not (tree.path / "shop/migrations/0003_order_notes.up.sql").exists()


def test_changes_that_are_said_to_be_apart_touch_no_file_in_common() -> None:
    together = [{"order-notes", "long-notes"}, {"old-printer", "foreign-licence"}]
    story = {"gift-wrap", "search", "search-fix", "fault-fix"}
    for one, other in itertools.combinations(CHANGES, 2):
        if {one, other} in together or {one, other} <= story:
            continue
        files = [{edit.path for edit in CHANGES[change].edits} for change in (one, other)]
        assert files[0] & files[1] == set(), (one, other)
