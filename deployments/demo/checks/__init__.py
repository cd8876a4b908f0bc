"""The demo's checks: what came of the story, read back from outside.

Nothing of Conveyor is imported here: no client, no rule, no task, no flow. Everything is read by plain HTTP
(the vendors' public APIs, Prefect's API, the shop), with `git` in a fresh clone, and from what the command
`conveyor audit` prints. Only reading: the checks may be run again at any time.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from deployments.demo.checks import on_git, on_gitlab, on_jira, on_ledger, on_prefect, on_shop, on_slack
from deployments.demo.checks.facts import Account, Check, Facts, Finding, Row
from deployments.demo.checks.outside import Outside

__all__ = [
    "Account",
    "Check",
    "Facts",
    "Finding",
    "Outside",
    "Row",
    "all_checks",
    "check_all",
    "run_checks",
    "settle",
]

_PACE_S = 0.5

_SYSTEMS = (on_git, on_gitlab, on_jira, on_slack, on_shop, on_prefect, on_ledger)


def all_checks(facts: Facts) -> list[Check]:
    """Every check of the story, by system; ids are unique."""
    return [check for system in _SYSTEMS for check in system.checks(facts)]


def check_all(outside: Outside) -> list[Row]:
    """Every row, in the order of `all_checks`; the systems are asked side by side."""
    groups = [list(group) for _, group in groupby(all_checks(outside.facts), lambda check: check.system)]
    with ThreadPoolExecutor(len(groups) + len(on_ledger.COMMANDS)) as pool:
        for arguments in on_ledger.COMMANDS:  # each starts a Python, so they start first
            pool.submit(outside.conveyor, *arguments)
        done = pool.map(lambda group: [check(outside) for check in group], groups)
        return [row for rows in done for row in rows]


def settle(facts: Facts, within_s: float = 45) -> bool:
    """Wait until nothing is under way any more; False if something still is after `within_s`.

    The last runs hang on Prefect's event triggers, so they begin only after the release has ended.
    """
    wanted = [check for check in all_checks(facts) if check.id in on_prefect.SETTLED]
    deadline = time.monotonic() + within_s
    while True:
        with Outside(facts) as outside:
            if all(check(outside).ok for check in wanted):
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_PACE_S)


def run_checks(facts: Facts) -> list[Row]:
    """Look at everything once; a row per check, in order. Never raises for what it sees."""
    with Outside(facts) as outside:
        return check_all(outside)
