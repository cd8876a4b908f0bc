"""`conveyor people ...`: whether the people file still fits the accounts at the vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from deployments.cli import say
from deployments.cli.say import Exit, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lifecycle.people import Account, Finding, Vendor
    from lifecycle.policy import Policy

app = App(name="people", help="The people file: everybody who decides, and their accounts.")

_PATIENCE_S = 2.0
"""After this long without a result somebody wants to know what is being waited for."""


@app.command
def check(*, json: Json = False) -> None:
    """Compare the people file with the accounts in Jira, GitLab and Slack; nothing is changed anywhere.

    Ends with 1 if there is a problem, with 4 if a vendor could not be asked (the others are compared).

    Example: `conveyor people check --json`
    """
    from datetime import UTC, datetime

    from lifecycle import people, slack_groups
    from lifecycle.people import Vendor
    from tasks.context import policy
    from tasks.people import groups_now

    rules = policy()
    accounts, left_out = _look_up(rules)
    groups = {} if Vendor.SLACK in left_out else groups_now()
    found = people.differences(slack_groups.filled(rules, groups), accounts, datetime.now(UTC))
    found = (*found, *people.group_findings(rules, groups))
    found = sorted(found, key=lambda finding: finding.severity != "problem")
    problems = sum(finding.severity == "problem" for finding in found)
    if json:
        _dump(accounts, found, left_out, ok=not problems and not left_out)
    else:
        _print(accounts, found, left_out)
    if left_out:
        raise say.Stop(Exit.UNREACHABLE, f"not compared with {', '.join(left_out)}")
    if problems:
        raise say.Stop(Exit.FAILED, f"the people file has {_count(problems, 'problem')}")


def _look_up(rules: Policy) -> tuple[list[Account], dict[Vendor, str]]:
    """What all vendors say, asked at the same time, and of each that was not asked to the end why."""
    from concurrent.futures import ThreadPoolExecutor, wait

    from lifecycle.people import Vendor
    from tasks.people import look_up

    found: dict[Vendor, list[Account]] = {vendor: [] for vendor in Vendor}
    with ThreadPoolExecutor(len(found)) as pool:
        runs = {pool.submit(look_up, vendor, rules.people, found[vendor]): vendor for vendor in Vendor}
        waiting = set(runs)
        while waiting := wait(waiting, timeout=_PATIENCE_S).not_done:
            asked = (f"{runs[run]} ({len(found[runs[run]])} so far)" for run in runs if run in waiting)
            say.note(f"still looking up accounts in {', '.join(asked)}")
    why = {vendor: run.result() for run, vendor in runs.items()}
    return [account for each in found.values() for account in each], {
        v: said for v, said in why.items() if said
    }


def _print(accounts: Sequence[Account], found: Sequence[Finding], left_out: dict[Vendor, str]) -> None:
    for finding in found:
        say.out(f"{finding.severity:<8} {finding.sentence}")
    for vendor, why in left_out.items():
        compared = sum(account.vendor == vendor for account in accounts)
        beyond = f" beyond {_count(compared, 'account')}" if compared else ""
        say.out(f"missing  {vendor} was not compared{beyond}: {why}")
    problems = sum(finding.severity == "problem" for finding in found)
    hints = len(found) - problems
    said = f"{_count(problems, 'problem')}, {_count(hints, 'hint')}" if found else "nothing differs"
    say.out(f"{_count(len(accounts), 'account')} compared: {said}")


def _dump(
    accounts: Sequence[Account], found: Sequence[Finding], left_out: dict[Vendor, str], *, ok: bool
) -> None:
    say.dump(
        {
            "ok": ok,
            "accounts": len(accounts),
            "findings": [finding.model_dump(mode="json") for finding in found],
            "not_compared": [{"vendor": vendor, "why": why} for vendor, why in left_out.items()],
        }
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
