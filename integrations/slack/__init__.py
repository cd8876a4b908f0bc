"""Slack: the client, the builders of its blocks, and the reading of what it sends us."""
