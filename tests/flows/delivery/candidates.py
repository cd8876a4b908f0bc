"""Commits of the shop that are candidates: each is verified and staged by pipelines of its own, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifecycle.events import CandidateVerified
from tasks import occupying
from tests.flows.delivery.conftest import FIRST_VERSION, Shop

CHANGES: Mapping[str, Mapping[str, str]] = {
    "good": {"shop/extra.py": "EXTRA = 1\n"},
    "later": {"shop/extra.py": "EXTRA = 2\n"},
    "failing": {"tests/test_sums.py": "import unittest\n\n\nclass Sums(unittest.TestCase):\n"
                "    def test_adds(self):\n        self.assertEqual(1 + 1, 3)\n"},
    "leaky": {"deploy/extra.env": f"SHOP_TOKEN=glpat-{'x' * 20}\n"},
    "one-way": {"shop/migrations/0003_gone.up.sql": "CREATE TABLE gone (x);\n"},
}  # fmt: skip
"""What the commit of that name adds to the first version."""
WITHOUT_SCANS = "silent"
"""The commit whose pipeline has no job that scans."""


class Candidates:
    """Makes them when they are first asked for. `first` is what production serves before each scenario."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.shas = {"first": shop.first}
        self.verdicts: dict[str, CandidateVerified] = {}
        self._verified: dict[str, int] = {}
        self._staged: dict[str, int] = {}

    def sha(self, name: str) -> str:
        """The commit of that name."""
        if name not in self.shas:
            actions = [
                {"action": "create", "file_path": path, "content": text}
                for path, text in CHANGES.get(name, {}).items()
            ]
            if name == WITHOUT_SCANS:
                actions = [{"action": "update", "file_path": ".gitlab-ci.yml", "content": self._silent()}]
            body = {"branch": name, "start_sha": self.shop.first, "commit_message": f"Make it {name}"}
            made = self.shop.api.post("repository/commits", json={**body, "actions": actions})
            self.shas[name] = str(made.raise_for_status().json()["id"])
            self.shop.tag(f"of-{name}", self.shas[name])
        return self.shas[name]

    def _silent(self) -> str:
        raw = self.shop.api.get("repository/files/.gitlab-ci.yml/raw", params={"ref": FIRST_VERSION})
        text = raw.raise_for_status().text
        begins, ends = text.index("\nscan:"), text.index("\npackage:")
        return text[:begins] + text[ends:]

    def verified(self, name: str, *, anew: bool = False) -> int:
        """The pipeline that verified the commit; one that is made `anew` belongs to its scenario alone."""
        self.sha(name)
        if anew:
            return self._run(name, "verify")
        if name == "first" and name not in self._verified:  # the sandbox did that, before anything else
            rows = self.shop.api.get("pipelines", params={"sort": "asc"}).raise_for_status().json()
            self._verified[name] = int(rows[0]["id"])
        if name not in self._verified:
            self._verified[name] = self._run(name, "verify")
        return self._verified[name]

    def staged(self, name: str) -> int:
        """The pipeline by which staging serves the commit now."""
        if occupying.serves(self.shop.vendors.gitlab_project, "staging") != self.sha(name):
            self._staged[name] = self._run(name, "staging")
        return self._staged[name]

    def deploy(self, name: str, environment: str) -> None:
        """Deploy the commit as somebody by hand does."""
        self.sha(name)
        pipeline = self._run(name, environment)
        if environment == "staging":
            self._staged[name] = pipeline

    def _run(self, name: str, step: str) -> int:
        ref = FIRST_VERSION if name == "first" else f"of-{name}"
        pipeline = self.shop.begin(ref, step)
        self.shop.end(pipeline)
        return pipeline

    def production(self) -> str:
        """The ref of GitLab's newest deployment of production."""
        found: Any = self.shop.api.get(
            "deployments",
            params={"environment": "production", "status": "success", "order_by": "id", "sort": "desc"},
        ).raise_for_status()
        return str(found.json()[0]["ref"])
