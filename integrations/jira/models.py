"""Jira's objects as plain values: what Conveyor needs of them, read tolerantly from the wire.

Every value is frozen and picklable. Times are aware UTC. A field that was not asked for, or that this Jira
does not have, is empty. People are account ids: on Server, where there are none, the user's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

Json = dict[str, Any]


@dataclass(frozen=True)
class Link:
    """A link as one issue sees it: "outward" if this one does the type's outward thing (blocks `key`)."""

    id: str
    type: str
    direction: Literal["inward", "outward"]
    key: str


@dataclass(frozen=True)
class Issue:
    """One issue. `resolution` is empty while unresolved; times are None if not asked for.

    `due` is an ISO date, empty if there is none. `subtask` tells a part of another issue, `done` that its
    status is of the category done.
    """

    key: str
    id: str
    project_key: str
    summary: str
    description: str
    status: str
    issue_type: str
    priority: str
    labels: tuple[str, ...]
    fix_versions: tuple[str, ...]
    components: tuple[str, ...]
    assignee_account_id: str
    reporter_account_id: str
    links: tuple[Link, ...]
    created: datetime | None
    updated: datetime | None
    resolution: str
    votes: int = 0
    due: str = ""
    subtask: bool = False
    done: bool = False


@dataclass(frozen=True)
class StatusEntered:
    """An issue entered `status` (Jira's name of it), put there by the account `by` ("": Jira hides it)."""

    status: str
    at: datetime
    by: str = ""


@dataclass(frozen=True)
class Comment:
    """One comment of an issue."""

    id: str
    body: str
    author_account_id: str
    author_name: str
    created: datetime | None
    updated: datetime | None


@dataclass(frozen=True)
class User:
    """An account. `email` and `time_zone` are empty where its owner hides them; Server knows no bots."""

    account_id: str
    name: str
    email: str
    time_zone: str
    active: bool
    is_bot: bool


@dataclass(frozen=True)
class Version:
    """A version of a project; `release_date` is an ISO date, empty if there is none."""

    id: str
    name: str
    description: str
    released: bool
    archived: bool
    release_date: str


def as_object(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """`value` as text; null is empty."""
    return "" if value is None else str(value)


def instant(value: object) -> datetime | None:
    """Jira's `2026-01-31T10:05:00.000+0000` (or with a colon) in aware UTC; None if it is no time."""
    try:
        moment = datetime.fromisoformat(as_text(value))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def account_of(user: object) -> str:
    """The id of an account: `accountId`, on Server `name`, empty for nobody."""
    fields = as_object(user)
    return as_text(fields.get("accountId") or fields.get("name"))


def user_from(raw: Json) -> User:
    """Read one account."""
    return User(
        account_id=account_of(raw),
        name=as_text(raw.get("displayName")),
        email=as_text(raw.get("emailAddress")),
        time_zone=as_text(raw.get("timeZone")),
        active=bool(raw.get("active", True)),
        is_bot=raw.get("accountType") == "app",
    )


def issue_from(raw: Json) -> Issue:
    """Read an issue as GET or a search answers it; the key and the id have to be there."""
    fields = as_object(raw.get("fields"))
    key = str(raw["key"])

    def name(field: str) -> str:
        return as_text(as_object(fields.get(field)).get("name"))

    return Issue(
        key=key,
        id=str(raw["id"]),
        project_key=as_text(as_object(fields.get("project")).get("key")) or key.rpartition("-")[0],
        summary=as_text(fields.get("summary")),
        description=as_text(fields.get("description")),
        status=name("status"),
        issue_type=name("issuetype"),
        priority=name("priority"),
        labels=tuple(str(label) for label in as_list(fields.get("labels"))),
        fix_versions=names_of(fields.get("fixVersions")),
        components=names_of(fields.get("components")),
        assignee_account_id=account_of(fields.get("assignee")),
        reporter_account_id=account_of(fields.get("reporter")),
        links=tuple(_links(as_list(fields.get("issuelinks")))),
        created=instant(fields.get("created")),
        updated=instant(fields.get("updated")),
        resolution=name("resolution"),
        votes=_count(as_object(fields.get("votes")).get("votes")),
        due=as_text(fields.get("duedate")),
        subtask=as_object(fields.get("issuetype")).get("subtask") is True,
        done=as_object(as_object(fields.get("status")).get("statusCategory")).get("key") == "done",
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def entered_from(raw: Json) -> tuple[StatusEntered, ...]:
    """The statuses that an issue's whole history tells, the oldest first; nothing if it is cut."""
    log = as_object(raw.get("changelog"))
    histories = [as_object(one) for one in as_list(log.get("histories"))]
    if int(log.get("total") or 0) > len(histories):
        return ()
    found = [
        StatusEntered(as_text(item.get("toString")), at, account_of(history.get("author")))
        for history in histories
        if (at := instant(history.get("created"))) is not None
        for item in map(as_object, as_list(history.get("items")))
        if item.get("field") == "status"
    ]
    return tuple(sorted(found, key=lambda each: each.at))


def names_of(value: object) -> tuple[str, ...]:
    """The names of a list of named things."""
    return tuple(as_text(as_object(one).get("name")) for one in as_list(value))


def _links(raw: Iterable[object]) -> Iterable[Link]:
    for one in map(as_object, raw):
        type_ = as_text(as_object(one.get("type")).get("name"))
        for field, direction in (("inwardIssue", "inward"), ("outwardIssue", "outward")):
            if key := as_object(one.get(field)).get("key"):
                yield Link(as_text(one.get("id")), type_, cast("Any", direction), str(key))


def comment_from(raw: Json) -> Comment:
    """Read one comment; the id has to be there."""
    author = as_object(raw.get("author"))
    return Comment(
        id=str(raw["id"]),
        body=as_text(raw.get("body")),
        author_account_id=account_of(author),
        author_name=as_text(author.get("displayName")),
        created=instant(raw.get("created")),
        updated=instant(raw.get("updated")),
    )


def version_from(raw: Json) -> Version:
    """Read one version; the id and the name have to be there."""
    return Version(
        id=str(raw["id"]),
        name=str(raw["name"]),
        description=as_text(raw.get("description")),
        released=bool(raw.get("released")),
        archived=bool(raw.get("archived")),
        release_date=as_text(raw.get("releaseDate")),
    )
