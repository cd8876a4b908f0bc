"""`conveyor people check`: what the vendors say of the people in the file, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments import sandbox_policy
from deployments.sandbox_policy import CHANNELS
from integrations.sandbox.faults import Fault
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.jira import JiraSandbox
from integrations.sandbox.people import SandboxPerson
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from tests.cli.world import TOKENS, Cli, policy_data

BOT_TOKEN = TOKENS["bot"]


@dataclass(frozen=True)
class Vendors:
    """Three of them, without any project: people are all that is looked at."""

    jira: JiraSandbox
    gitlab: GitLabSandbox
    slack: SlackSandbox

    def environment(self) -> Mapping[str, str]:
        bot = next(person for person in sandbox_policy.people(TOKENS) if person.is_bot)
        return {
            "CONVEYOR_JIRA_URL": self.jira.url,
            "CONVEYOR_JIRA_USER": bot.email,
            "CONVEYOR_JIRA_TOKEN": bot.token,
            "CONVEYOR_GITLAB_URL": self.gitlab.url,
            "CONVEYOR_GITLAB_TOKEN": bot.token,
            "CONVEYOR_SLACK_API_URL": self.slack.api_url,
            "CONVEYOR_SLACK_BOT_TOKEN": BOT_TOKEN,
        }


Hire = Callable[..., Vendors]


@pytest.fixture
def hire(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, fresh_settings: Callable[[], None], tmp_path: Path
) -> Iterator[Hire]:
    """Starts the vendors with the cast as they have it: changes to accounts by slug, as `active=False`."""
    with ExitStack() as stack:

        def start(**changed: Mapping[str, Any]) -> Vendors:
            people = [_changed(person, changed) for person in sandbox_policy.people(TOKENS)]
            app = SlackAppSeed(BOT_TOKEN, "s" * 32)
            made = Vendors(
                JiraSandbox(None, people, {}),
                GitLabSandbox(tmp_path / "gitlab", people, []),
                SlackSandbox(people, CHANNELS, app, limits=False),
            )
            for vendor in (made.jira, made.gitlab, made.slack):
                stack.callback(vendor.stop)
            for name, value in made.environment().items():
                monkeypatch.setenv(name, value)
            fresh_settings()
            return made

        yield start


def _changed(person: SandboxPerson, changed: Mapping[str, Mapping[str, Any]]) -> SandboxPerson:
    return replace(person, **changed.get(person.id, {}))


def rewrite(cli: Cli, slug: str, **fields: object) -> None:
    """Change one person of the file."""
    data = policy_data()
    next(person for person in data["people"] if person["id"] == slug).update(fields)
    cli.policy.write_text(yaml.safe_dump(data))


def test_where_nothing_differs_it_says_so(cli: Cli, hire: Hire) -> None:
    hire()
    said = cli.run("people", "check")
    # Clara, the client, is in Jira only.
    assert (said.code, said.out, said.err) == (0, "22 accounts compared: nothing differs\n", "")


def test_what_the_vendors_say_otherwise_is_told_line_by_line_and_the_problems_first(
    cli: Cli, hire: Hire
) -> None:
    hire(quinn={"active": False}, gerd={"email": "gerd@elsewhere.example"}, emil={"is_bot": True})
    rewrite(cli, "dora", gitlab=4711, time_zone="Asia/Tokyo")
    said = cli.run("people", "check")
    assert said.code == 1
    assert said.out.splitlines() == [
        "problem  Dora (developer) (dora): GitLab has no account 4711.",
        "problem  Emil (developer) (emil): Jira says that this is a bot's account.",
        "problem  Emil (developer) (emil): GitLab says that this is a bot's account.",
        "problem  Emil (developer) (emil): Slack says that this is a bot's account.",
        "problem  Quinn (QA) (quinn): Jira has deactivated the account, the file calls it active.",
        "problem  Quinn (QA) (quinn): GitLab has deactivated the account, the file calls it active.",
        "problem  Quinn (QA) (quinn): Slack has deactivated the account, the file calls it active.",
        "problem  Gerd (management) (gerd): Jira has the e-mail gerd@elsewhere.example, "
        "which is not among the file's.",
        "problem  Gerd (management) (gerd): Slack has the e-mail gerd@elsewhere.example, "
        "which is not among the file's.",
        "hint     Dora (developer) (dora): Slack says time zone Etc/UTC, the file Asia/Tokyo.",
        "22 accounts compared: 9 problems, 1 hint",
    ]
    assert said.err == "conveyor: the people file has 9 problems\n"


def test_a_hint_alone_is_no_failure(cli: Cli, hire: Hire) -> None:
    hire()
    rewrite(cli, "quinn", active=False)
    said = cli.run("people", "check", "--json")
    assert (said.code, said.json["ok"], said.json["accounts"]) == (0, True, 22)
    assert {(each["severity"], each["person"], each["vendor"]) for each in said.json["findings"]} == {
        ("hint", "quinn", vendor) for vendor in ("Jira", "GitLab", "Slack")
    }


def test_a_step_that_nobody_can_be_asked_for_is_a_problem(cli: Cli, hire: Hire) -> None:
    hire()
    rewrite(cli, "gerd", slack="")
    said = cli.run("people", "check", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    [found] = said.json["findings"]
    assert (found["person"], found["sentence"].partition(":")[0]) == ("", "Management's approval (approval)")


@pytest.mark.parametrize("fault", ["503", "drop_before", "429", "403"])
def test_a_vendor_that_does_not_answer_is_named_and_the_others_are_compared(
    cli: Cli, hire: Hire, fault: str
) -> None:
    vendors = hire(quinn={"active": False})
    vendors.gitlab.faults.order(Fault("GET /api/v4/users/13", fault))
    said = cli.run("people", "check")
    assert said.code == 4
    assert said.err == "conveyor: not compared with GitLab\n"
    lines = said.out.splitlines()
    assert [line[:22] for line in lines[:2]] == ["problem  Quinn (QA) (q"] * 2
    assert lines[2].startswith("missing  GitLab was not compared beyond 2 accounts: gitlab: user users/13: ")
    assert lines[3] == "17 accounts compared: 2 problems, 0 hints"


def test_wrong_credentials_are_a_vendor_that_was_not_compared(
    cli: Cli, hire: Hire, monkeypatch: pytest.MonkeyPatch, fresh_settings: Callable[[], None]
) -> None:
    hire()
    monkeypatch.setenv("CONVEYOR_SLACK_BOT_TOKEN", "xoxb-wrong")
    fresh_settings()
    said = cli.run("people", "check", "--json")
    assert (said.code, said.json["ok"], said.json["findings"]) == (4, False, [])
    [left_out] = said.json["not_compared"]
    assert left_out["vendor"] == "Slack"
    assert "invalid_auth" in left_out["why"]
    assert "xoxb-wrong" not in said.out + said.err
    missing, count = cli.run("people", "check").out.splitlines()
    assert missing.startswith("missing  Slack was not compared: slack: users.info U0DORA: ")
    assert count == "15 accounts compared: nothing differs"


@pytest.mark.slow
def test_after_two_seconds_it_says_what_it_waits_for(
    cli: Cli, hire: Hire, monkeypatch: pytest.MonkeyPatch, fresh_settings: Callable[[], None]
) -> None:
    vendors = hire()
    vendors.slack.faults.order(Fault("POST /api/users.info", "hang", skip=3))
    monkeypatch.setenv("CONVEYOR_SLACK_TIMEOUT_S", "3")
    fresh_settings()
    said = cli.run("people", "check")
    assert said.code == 4
    *progress, end = said.err.splitlines()
    assert progress[-1] == "still looking up accounts in Slack (3 so far)"
    assert end == "conveyor: not compared with Slack"


def test_a_file_that_is_wrong_in_itself_is_not_compared(cli: Cli, hire: Hire) -> None:
    vendors = hire()
    rewrite(cli, "dora", deputy="nobody")
    said = cli.run("people", "check")
    assert (said.code, said.out) == (1, "")
    assert "deputy nobody" in said.err
    assert vendors.jira.faults.requests == []
