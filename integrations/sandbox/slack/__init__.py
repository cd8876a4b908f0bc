"""A Slack that fits in a laptop: the Web API, what people do, and a page to see it on.

In memory, for one app. What it does not know it refuses as Slack would (`unknown_method`).
"""

from __future__ import annotations

from integrations.sandbox.slack.server import Rates, SlackAppSeed, SlackSandbox

__all__ = ["Rates", "SlackAppSeed", "SlackSandbox"]
