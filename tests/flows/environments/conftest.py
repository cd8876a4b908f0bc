"""Releases that share the environments of the sandbox's GitLab; a test records deployments as jobs would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from integrations.settings import settings
from lifecycle import events as e
from lifecycle.release import Release
from tasks import context
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait, new_events

Team = Any
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
"""A Friday."""


class Releases:
    """Releases of the shop, each with its first candidate; and staging and production as GitLab has them."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.shas: dict[str, str] = {}

    def plan(self, version: str, kind: str = "regular") -> str:
        """A release whose candidate is verified; its stream."""
        subject = f"release:shop:{version}"
        self.team.commit(f"{version}.txt", version)
        self.shas[version] = sha = self.team.gitlab("GET", "repository/commits/main", "olli")["id"]
        tag = f"{version}-rc.1"
        self.tell(
            version,
            e.Planned.model_validate(
                {"project": "shop", "version": version, "issues": ("SHOP-1",), "base": "main"}
                | {"plan_hash": "p", "release_kind": kind}
            ),
            e.CandidateCut(number=1, tag=tag, sha=sha, branch=f"release/{version}"),
            e.CandidateVerified(number=1, pipeline_id=1),
        )
        return subject

    def tell(self, version: str, *facts: e.ReleaseEvent, at: datetime = NOW) -> None:
        subject = f"release:shop:{version}"
        context.ledger().append(subject, new_events(subject, facts), now=at)

    def signed(self, version: str, kind: str = "regular") -> str:
        """A release that has staging and every sign-off; its stream."""
        subject = self.plan(version, kind)
        walk = self.walk(version)
        assert walk.take("staging") is None
        self.staged(version)
        for step in walk.steps:
            issue = "SHOP-1" if step.id == "qa" else None
            self.tell(version, *self._signature(version, step, issue))
        return subject

    def _signature(self, version: str, step: Any, issue: str | None) -> list[e.ReleaseEvent]:
        request = f"{version}-{step.id}"
        people = {"qa": "quinn", "manager": "mara", "client": "clara", "management": "gerd"}
        [role] = step.quorum
        return [
            e.SignOffAsked(
                request=request,
                step=step.id,
                number=1,
                issue=issue,
                sha=self.shas[version],
                plan_hash="p",
                environment="staging",
                due=NOW,
            ),
            e.SignOffGiven(request=request, role=role, person=people[role], door="cli"),
            e.StepPassed(step=step.id, number=1),
        ]

    def staged(self, version: str, number: int = 1) -> None:
        """Staging serves the candidate, for the `number`th time."""
        self.deploy("staging", version)
        fact = e.Staged(
            number=1, round=number, sha=self.shas[version], url="http://staging.example", pipeline_id=2
        )
        self.tell(version, fact)

    def deploy(self, environment: str, version: str) -> int:
        """GitLab has a successful deployment of the version's commit; its id."""
        body = {"environment": environment, "sha": self.shas[version], "ref": "main", "tag": False}
        made = self.team.gitlab("POST", "deployments", "olli", status="success", **body)
        return int(made["id"])

    def walk(self, version: str, now: datetime = NOW) -> ReleaseWalk:
        return ReleaseWalk(f"release:shop:{version}", now, lambda: None)

    def release(self, version: str) -> Release:
        return self.walk(version).release

    def take(
        self, stage: Callable[[ReleaseWalk], Wait | None], version: str, now: datetime = NOW
    ) -> Wait | None:
        """What the walk of that release waits for after this stage."""
        walk = self.walk(version, now)
        walk.step(stage)
        return walk.waiting

    def woken(self, version: str) -> bool:
        return context.ledger().wakeup(f"release:shop:{version}").pending


@pytest.fixture
def releases(team: Team) -> Releases:
    return Releases(team)


@pytest.fixture
def change_policy(team: Team) -> Callable[..., None]:
    """Change what the policy says; `project` for the shop, the others for everybody."""

    def change(project: dict[str, Any] | None = None, **changes: Any) -> None:
        path = Path(settings().policy)
        data = yaml.safe_load(path.read_text())
        data |= changes
        data["projects"][0] |= project or {}
        path.write_text(yaml.safe_dump(data))

    return change


def later(**delta: float) -> datetime:
    return NOW + timedelta(**delta)
