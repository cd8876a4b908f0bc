"""Who works on the sandbox's shop, and the policy they work by. All of them are made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Literal

from integrations.sandbox.people import SandboxPerson

Scale = Literal["demo", "real"]

PROJECT = "shop"
JIRA_KEY = "SHOP"
GITLAB_PATH = "shop/shop"

DEVELOPER, MAINTAINER = 30, 40

CAST: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "dora": ("Dora (developer)", ("developer",), DEVELOPER),
    "emil": ("Emil (developer)", ("developer",), DEVELOPER),
    "quinn": ("Quinn (QA)", ("qa",), DEVELOPER),
    "quentin": ("Quentin (QA)", ("qa",), DEVELOPER),
    "mara": ("Mara (manager)", ("manager", "product"), DEVELOPER),
    "gerd": ("Gerd (management)", ("management",), DEVELOPER),
    "olli": ("Olli (release)", ("release", "devops", "lead"), MAINTAINER),
    "clara": ("Clara (client)", ("client",), 0),
    "bot": ("Conveyor", (), MAINTAINER),
}
"""Slug -> name, roles, access level in the GitLab project (0: not a member)."""

CHANNELS: Mapping[str, Sequence[str]] = {
    "releases": ("dora", "emil", "quinn", "quentin", "mara", "gerd", "olli"),
    "planning": ("dora", "emil", "mara", "gerd", "olli"),
}
"""Slack channels and who is in them; the client is not in Slack."""

_WAITS: Mapping[Scale, dict[str, Any]] = {
    "demo": {
        # By hand: a schedule could begin the review in the middle of the story.
        "cron": "0 10 29 2 *",
        "due": "10m",
        "watch": {
            "lasts": "20s",
            "every": "5s",
            "failures_allowed": 1,
            "max_latency_ms": 2000,
            "minimum_observations": 3,
            # Ticks of seconds, on a machine with other work: a slow one is no story.
            "missed_allowed": 1,
        },
        "feedback": {"after": "2s", "closes_after": "60s", "settles_after": "2s"},
        "waits": {"pipeline": "2m", "poll": "3s", "rework": "10m"},
    },
    "real": {
        "cron": "0 10 * * 5",
        "due": "2d",
        "watch": {
            "lasts": "1d",
            "every": "5m",
            "failures_allowed": 2,
            "max_latency_ms": 2000,
            "minimum_observations": 3,
        },
        "feedback": {"after": "7d", "closes_after": "7d"},
        "waits": {"pipeline": "1h", "poll": "5m", "rework": "5d"},
    },
}


_ASKED_FOR = 'job="{job}",path!~"/metrics|/healthz"'
"""What customers ask for, not the machines that look after it."""

_WINDOWS: Mapping[Scale, str] = {"demo": "10s", "real": "30m"}
_REQUESTS: Mapping[Scale, int] = {"demo": 30, "real": 100}
# The demo's shop answers in milliseconds, on a machine with much else to do: less is no change there.
_SLOWER: Mapping[Scale, float] = {"demo": 50.0, "real": 2.0}


def metrics(scale: Scale) -> list[dict[str, Any]]:
    """What Prometheus is asked about the shop."""
    common = {"window": _WINDOWS[scale], "minimum": _REQUESTS[scale]}
    return [
        {
            "name": "errors",
            "kind": "error_rate",
            "bad": f'sum(increase(shop_requests_total{{{_ASKED_FOR},status=~"5.."}}[{{window}}]))',
            "total": f"sum(increase(shop_requests_total{{{_ASKED_FOR}}}[{{window}}]))",
            "limit": 0.1,
            **common,
        },
        {
            "name": "p95",
            "kind": "latency",
            "buckets": f"sum by (le) (increase(shop_request_seconds_bucket{{{_ASKED_FOR}}}[{{window}}]))",
            "limit": 1.0,
            "effect": _SLOWER[scale],
            **common,
        },
    ]


def people(tokens: Mapping[str, str]) -> tuple[SandboxPerson, ...]:
    """The cast with an account at each vendor; `tokens` by slug."""
    return tuple(
        SandboxPerson(
            id=slug,
            name=name,
            email=f"{slug}@shop.example",
            jira_account_id=f"5f0000:{slug}",
            gitlab_id=number,
            slack_id=f"U0{slug.upper()}",
            token=tokens[slug],
            is_bot=slug == "bot",
            in_slack=slug != "clara",
        )
        for number, (slug, (name, _, _)) in enumerate(CAST.items(), 11)
    )


def policy(
    cast: Sequence[SandboxPerson],
    channels: Mapping[str, str],
    gitlab_project: int,
    urls: Mapping[str, str],
    scale: Scale,
    *,
    prometheus: bool = False,
) -> dict[str, Any]:
    """The policy as plain data; `channels` and `urls` (of staging and production) by name.

    With `prometheus` the watch asks it too; else it has its HTTP probes only.
    """
    waits = deepcopy(_WAITS[scale])
    return {
        "schema": 1,
        "people": [_person(each) for each in cast if not each.is_bot],
        "bots": [each.email for each in cast if each.is_bot],
        "projects": [
            {
                "id": PROJECT,
                "name": "Shop",
                "jira": JIRA_KEY,
                "gitlab": gitlab_project,
                "channel": channels["releases"],
                "staging_url": urls["staging"],
                "production_url": urls["production"],
                # Two more deployments of each candidate: the demo shows them, by hand they are a wait.
                "rehearsal": scale == "demo",
                "environments": [{"name": "review/*", "tier": "development"}],
                "gates": {
                    "required_jobs": ["unit", "package"],
                    "minimum_tests": 1,
                    "minimum_coverage": 90,
                    "coverage_drop": 5,
                    "scans": {
                        "sast": "high",
                        "dependency_scanning": "high",
                        "secret_detection": "info",
                        "container_scanning": "high",
                    },
                    "code_quality": "major",
                    "licences": ["MIT", "PSF-2.0", "Python-2.0", "Apache-2.0", "BSD-3-Clause"],
                    "migrations_reversible": True,
                    "exceptions_by": ["release"],
                },
            }
        ],
        "steps": _steps(waits["due"]),
        "review": {
            "cron": waits["cron"],
            "time_zone": "UTC",
            "channel": channels["planning"],
            "roles": ["lead", "product"],
            "capacity": 8,
            "due": waits["due"],
        },
        "watch": {
            "rules": waits["watch"],
            "probes": [
                {"name": "health", "path": "/healthz"},
                {"name": "catalogue", "path": "/"},
                # The page that the scenario's fault breaks while /healthz stays well.
                {"name": "cart", "path": "/cart"},
            ],
            "metrics": metrics(scale) if prometheus else [],
        },
        "no_return": ["management"],
        "unfreeze": ["release"],
        "feedback": waits["feedback"],
        "waits": waits["waits"],
    }


def _person(person: SandboxPerson) -> dict[str, Any]:
    known: dict[str, Any] = {
        "id": person.id,
        "name": person.name,
        "roles": list(CAST[person.id][1]),
        "jira": person.jira_account_id,
        "emails": [person.email],
        "slack": person.slack_id if person.in_slack else "",
        "gitlab": person.gitlab_id if CAST[person.id][2] else 0,
    }
    return known


def _steps(due: str) -> list[dict[str, Any]]:
    return [
        {
            "id": "qa",
            "title": "QA",
            "waits_as": "Awaiting QA",
            "binds": "issue",
            "quorum": {"qa": 1},
            "due": due,
        },
        {
            "id": "check",
            "title": "Manager's check of staging",
            "waits_as": "Awaiting manager",
            "binds": "release",
            "quorum": {"manager": 1},
            "due": due,
            "hotfix": False,
        },
        {
            "id": "client",
            "title": "The client's consent",
            "waits_as": "Awaiting client",
            "binds": "release",
            "quorum": {"client": 1},
            "due": due,
            "by_link": True,
            "authors_may_sign": True,
            "hotfix": False,
        },
        {
            "id": "approval",
            "title": "Management's approval",
            "waits_as": "Awaiting approval",
            "binds": "release",
            "quorum": {"management": 1},
            "due": due,
        },
    ]
