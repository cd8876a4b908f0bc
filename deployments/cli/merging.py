"""`conveyor requests merge` and `unmerge`: what the buttons in Slack do, for any two requests."""

from __future__ import annotations

from deployments.cli import say
from deployments.cli.release import report
from deployments.cli.say import Exit, Json, Person


def merge(key: str, into: str, *, person: Person, json: Json = False) -> None:
    """Say that a request is the same as another one: it is closed, and who asked goes along.

    Example: `conveyor requests merge SHOP-9 SHOP-3 --as mara`

    Parameters
    ----------
    key:
        The request that is closed as a duplicate.
    into:
        The request that goes on; if that is a duplicate itself, its original.
    """
    with say.busy("Merging"):
        _must_be_there(key, into)
        from tasks.review_decisions import merge_keys

        outcome = merge_keys(key, into, person)
    report(outcome, as_json=json)


def unmerge(key: str, *, person: Person, json: Json = False) -> None:
    """Take a merge back: the request stands on its own again, with who asked for it.

    Example: `conveyor requests unmerge SHOP-9 --as mara`

    Parameters
    ----------
    key:
        The request that was merged into another one.
    """
    from tasks import review_decisions

    with say.busy("Taking the merge back"):
        outcome = review_decisions.unmerge(key, person, door="cli")
    report(outcome, as_json=json)


def _must_be_there(*keys: str) -> None:
    """Stop at a key that Jira does not know; one of no project of the policy is refused later."""
    from integrations.errors import NotFound
    from tasks.context import jira
    from tasks.review_decisions import project_id

    for key in keys:
        if project_id(key) is None:
            continue
        try:
            jira().issue(key)
        except NotFound:
            raise say.Stop(Exit.USAGE, f"there is no issue {key} in Jira") from None
