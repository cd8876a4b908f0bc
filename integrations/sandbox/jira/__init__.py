"""A Jira over real HTTP, Cloud or Server: see `sandbox.JiraSandbox`."""

from integrations.sandbox.jira.hooks import WebhookTarget
from integrations.sandbox.jira.sandbox import JiraSandbox

__all__ = ["JiraSandbox", "WebhookTarget"]
