"""What merge requests and issues have in common: filters, order, and the fields that are edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

from integrations.sandbox.gitlab import payloads
from integrations.sandbox.gitlab.errors import bad_request, refuse
from integrations.sandbox.gitlab.routing import Call
from integrations.sandbox.gitlab.state import Fields, Issue, MergeRequest, now

Item = TypeVar("Item", MergeRequest, Issue)


def fits(call: Call, item: MergeRequest | Issue) -> bool:
    """Whether `labels`, `author_id`, `assignee_id`, `search`, `milestone` and the times ask for it."""
    params = call.params
    labels = params.strings("labels")
    if labels == ["None"] and item.labels:
        return False
    if labels and labels not in (["None"], ["Any"]) and not set(labels) <= set(item.labels):
        return False
    if labels == ["Any"] and not item.labels:
        return False
    search = params.text("search").lower()
    author = params.integer("author_id", item.author)
    assignee = params.integer("assignee_id", 0)
    return (
        search in f"{item.title}\n{item.description}".lower()
        and author == item.author
        and (assignee == 0 or assignee in item.assignees)
        and _within(call, "created", item.created)
        and _within(call, "updated", item.updated)
        and _of_milestone(call, item)
    )


def _within(call: Call, what: str, moment: datetime) -> bool:
    after, before = call.params.time(f"{what}_after"), call.params.time(f"{what}_before")
    return (after is None or moment >= after) and (before is None or moment <= before)


def _of_milestone(call: Call, item: MergeRequest | Issue) -> bool:
    title = call.params.optional("milestone")
    if title is None:
        return True
    found = next((each for each in call.project.records.milestones.values() if each.title == title), None)
    return found is not None and found.id == item.milestone


def ordered(call: Call, rows: Sequence[Item]) -> list[Item]:
    """By `order_by` (created_at, updated_at, title) and `sort`; newest first by default."""
    by = call.params.choice("order_by", ("created_at", "updated_at", "title"), "created_at")
    down = call.params.choice("sort", ("asc", "desc"), "desc") == "desc"

    def key(row: MergeRequest | Issue) -> tuple[object, int]:
        moments = {"created_at": row.created, "updated_at": row.updated}
        return moments.get(by, row.title), row.iid

    return sorted(rows, key=cast("Callable[[Item], tuple[str, int]]", key), reverse=down)


def edit(call: Call, item: MergeRequest | Issue) -> None:
    """Write title, description, labels, assignees and milestone, as far as they are given."""
    params = call.params
    if "title" in params:
        item.title = params.needed("title")
    item.description = params.text("description", item.description)
    labels = params.strings("labels")
    chosen = item.labels if labels is None else labels
    chosen = [*chosen, *(params.strings("add_labels") or [])]
    gone = params.strings("remove_labels") or []
    item.labels = sorted(dict.fromkeys(each for each in chosen if each not in gone))
    for name in item.labels:
        call.project.label(name)
    item.assignees = _members(call, "assignee_ids", _single(call, item.assignees))
    if "milestone_id" in params:
        wanted = params.integer("milestone_id", 0)
        known = {each.id for each in call.project.records.milestones.values()}
        if wanted and wanted not in known:
            raise refuse(400, {"milestone": ["is invalid"]})
        item.milestone = wanted or None
    item.updated = now()


def reviewers(call: Call, mr: MergeRequest) -> list[int]:
    """The reviewers after this request."""
    return _members(call, "reviewer_ids", mr.reviewers)


def _single(call: Call, present: list[int]) -> list[int]:
    one = call.params.integer("assignee_id", -1)
    if one == -1:
        return present
    return [one] if one in call.project.members else []


def _members(call: Call, name: str, present: list[int]) -> list[int]:
    ids = call.params.integers(name)
    if ids is None:
        return present
    if any(each not in call.instance.accounts for each in ids):
        raise bad_request(f"{name} is invalid")
    return [each for each in ids if each in call.project.members]


def changes(
    call: Call,
    item: MergeRequest | Issue,
    before: Mapping[str, object],
    after: Mapping[str, object],
    labels: list[str],
) -> Fields:
    """A webhook's `changes`: previous and current of what is another now."""
    found: Fields = {
        name: {"previous": before[name], "current": after[name]}
        for name in before
        if before[name] != after[name]
    }
    if labels != item.labels:
        old, new = payloads.labels(call.project, labels), payloads.labels(call.project, item.labels)
        found["labels"] = {"previous": old, "current": new}
    if found:
        found["updated_at"] = {"previous": None, "current": payloads.utc(item.updated)}
    return found
