"""The people a sandbox knows: one person, with an account at each vendor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SandboxPerson:
    """`id` is our slug; the other ids are the vendors' own. A bot is a person too.

    `token` authenticates at all three vendors (Jira: basic `email:token`, GitLab: `PRIVATE-TOKEN`
    and git over HTTP, Slack: `Bearer`), so that a scenario can act as anybody; the token of somebody who
    is not `active` opens nothing, their accounts stay to be looked up.
    """

    id: str
    name: str
    email: str
    jira_account_id: str
    gitlab_id: int
    slack_id: str
    token: str
    is_bot: bool = False
    in_slack: bool = True
    active: bool = True
