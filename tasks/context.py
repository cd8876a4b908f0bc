"""What a task reaches for: this process's ledger and policy, and this thread's vendor clients.

Nothing here may cross a task boundary: clients hold secrets, and a session belongs to one thread.
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache
from pathlib import Path

from pydantic import ValidationError

from integrations import policy_file
from integrations.errors import Refused
from integrations.gitlab.client import GitLabClient
from integrations.jira.client import JiraClient
from integrations.ledger import Ledger
from integrations.prometheus import Prometheus
from integrations.settings import settings
from integrations.slack.client import SlackClient
from lifecycle import slack_groups
from lifecycle.policy import Policy

_local = threading.local()


@cache
def ledger() -> Ledger:
    """This process's ledger, its tables up to date."""
    settings().home.mkdir(parents=True, exist_ok=True)
    opened = Ledger(settings().ledger)
    opened.upgrade()
    return opened


def policy() -> Policy:
    """The team's policy, as its file and Slack's user groups are now: a process that lives long sees changes.

    Raises:
        Refused: the file breaks a rule; the message names every field that does.
    """
    path = settings().policy
    try:
        stat = path.stat()
    except OSError:
        return _read_policy(path, ())  # says in its own words why it cannot
    version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    written = _read_policy(path, version)
    if not written.slack_groups:
        return written
    return _with_groups(path, version, ledger().revision(slack_groups.STREAM))


@lru_cache(maxsize=1)
def _with_groups(path: Path, version: tuple[int, ...], _revision: int) -> Policy:
    """The policy with the roles that Slack's user groups fill, as they were last read."""
    known = ledger().events(slack_groups.STREAM)
    return slack_groups.filled(_read_policy(path, version), slack_groups.fold(e.data for e in known))


@lru_cache(maxsize=1)
def _read_policy(path: Path, _version: tuple[int, ...]) -> Policy:
    try:
        return Policy.model_validate(policy_file.read(path))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        raise Refused("policy", "check", str(path), detail=problems) from None


def jira() -> JiraClient:
    """This thread's Jira client."""
    if not hasattr(_local, "jira"):
        _local.jira = JiraClient(settings().jira)
    return _local.jira


def gitlab() -> GitLabClient:
    """This thread's GitLab client."""
    if not hasattr(_local, "gitlab"):
        _local.gitlab = GitLabClient(settings().gitlab)
    return _local.gitlab


def slack() -> SlackClient:
    """This thread's Slack client."""
    if not hasattr(_local, "slack"):
        _local.slack = SlackClient(settings().slack)
    return _local.slack


def prometheus() -> Prometheus:
    """This thread's Prometheus client."""
    if not hasattr(_local, "prometheus"):
        _local.prometheus = Prometheus(settings().prometheus)
    return _local.prometheus
