"""The fixtures of `world`: a sandbox Slack, its clock, an app, a client and people's hands."""

from __future__ import annotations

from tests.integrations.slack.world import app, client, clock, front, hands, releases, sandbox, settings

__all__ = ["app", "client", "clock", "front", "hands", "releases", "sandbox", "settings"]
