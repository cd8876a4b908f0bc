"""What the tracker says of each project's issues, kept for planning: a copy that may be read again any time.

It is no part of the hash chain, and nothing is decided from it alone: who acts reads the tracker again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, select, update

from integrations.ledger.database import Database
from integrations.ledger.models import Json
from integrations.ledger.schema import mirror_issues, mirror_scans

_PAGE = 500


@dataclass(frozen=True)
class MirroredLink:
    """A link of an issue: `direction` is "outward" if this issue does the type's thing to `key`."""

    type: str
    direction: str
    key: str


@dataclass(frozen=True)
class MirroredIssue:
    """One issue as the tracker had it at `updated`; `reporter` is an account id.

    `subtask` tells a part of another issue: it is no request of its own.
    """

    key: str
    project: str
    summary: str
    text: str
    type: str
    status: str
    priority: str
    labels: tuple[str, ...]
    fix_versions: tuple[str, ...]
    links: tuple[MirroredLink, ...]
    reporter: str
    votes: int
    created: datetime
    updated: datetime
    subtask: bool = False


@dataclass(frozen=True)
class MirrorChanges:
    """Issues that changed after a revision, and the next revision to ask for.

    `removals` counts what was ever taken out: if it differs from the last answer's, read again from 0.
    """

    revision: int
    removals: int
    issues: tuple[MirroredIssue, ...]


class Mirror:
    """The part of the ledger's database that holds the mirror; `project` is the tracker's key."""

    _db: Database

    def mirror(self, project: str, issues: Sequence[MirroredIssue], position: Json | None = None) -> None:
        """Keep `issues` and, in the same transaction, how far the reading has come.

        An issue that is here in a newer state stays so, and nothing is here twice.
        """
        with self._db.write("mirror", project) as connection:
            revision = self._bump(connection, project, position, removals=0)
            rows = [{**_row(issue), "revision": revision} for issue in issues]
            if rows:
                self._db.upsert_all(connection, mirror_issues, rows, "updated")

    def mirror_position(self, project: str) -> Json:
        """How far the reading has come, as `mirror` was told last; empty if it never began."""
        with self._db.read("read position of", project) as connection:
            wanted = select(mirror_scans.c.position).where(mirror_scans.c.project == project)
            return connection.execute(wanted).scalar_one_or_none() or {}

    def mirror_revision(self, project: str) -> tuple[int, int]:
        """The revision of the last change, and how much was ever taken out; see `mirror_changes`."""
        with self._db.read("read revision of", project) as connection:
            return _revision(connection, project)

    def unmirror(self, project: str, keys: Collection[str]) -> None:
        """Take out issues that the tracker does not have any more; harmless for what is not here."""
        with self._db.write("unmirror", project) as connection:
            these = mirror_issues.c.key.in_(list(keys)) & (mirror_issues.c.project == project)
            removed = connection.execute(delete(mirror_issues).where(these)).rowcount
            if removed:
                self._bump(connection, project, None, removals=removed)

    def mirrored_keys(self, project: str) -> frozenset[str]:
        """The keys of all issues that are here."""
        with self._db.read("read keys of", project) as connection:
            wanted = select(mirror_issues.c.key).where(mirror_issues.c.project == project)
            return frozenset(connection.execute(wanted).scalars())

    def mirror_statuses(self, project: str) -> frozenset[str]:
        """The statuses in which issues are here, as the tracker calls them."""
        with self._db.read("read statuses of", project) as connection:
            wanted = select(mirror_issues.c.status).where(mirror_issues.c.project == project).distinct()
            return frozenset(connection.execute(wanted).scalars())

    def mirrored(
        self,
        project: str,
        after: str = "",
        limit: int = _PAGE,
        *,
        statuses: Collection[str] | None = None,
    ) -> tuple[MirroredIssue, ...]:
        """A page of the issues with keys after `after`, by key as text; only those in one of `statuses`."""
        with self._db.read("read mirror of", project) as connection:
            theirs = (mirror_issues.c.project == project) & (mirror_issues.c.key > after)
            if statuses is not None:
                theirs &= mirror_issues.c.status.in_(list(statuses))
            wanted = select(mirror_issues).where(theirs).order_by(mirror_issues.c.key).limit(limit)
            return tuple(map(_issue, connection.execute(wanted).mappings()))

    def mirror_changes(self, project: str, after: int = 0, *, texts: bool = True) -> MirrorChanges:
        """What changed since revision `after`, the earliest first; without `texts` each `text` is empty."""
        columns = [c for c in mirror_issues.columns if texts or c is not mirror_issues.c.text]
        with self._db.read("read changes of", project) as connection:
            # The scan's row is read first: what is written meanwhile comes again with the next revision.
            revision, removals = _revision(connection, project)
            if revision == after:
                return MirrorChanges(revision, removals, ())
            newer = (mirror_issues.c.project == project) & (mirror_issues.c.revision > after)
            wanted = select(*columns).where(newer).order_by(mirror_issues.c.revision, mirror_issues.c.key)
            issues = tuple(map(_issue, connection.execute(wanted).mappings()))
        return MirrorChanges(revision, removals, issues)

    def _bump(self, connection: Connection, project: str, position: Json | None, *, removals: int) -> int:
        """Count one change of the project's mirror; the row stays locked until the transaction ends."""
        first = {"project": project, "position": position or {}, "revision": 0, "removals": 0}
        self._db.insert(connection, mirror_scans, first, ["project"])
        changed: dict[str, Any] = {
            "revision": mirror_scans.c.revision + 1,
            "removals": mirror_scans.c.removals + removals,
        }
        if position is not None:
            changed["position"] = position
        mine = mirror_scans.c.project == project
        told = update(mirror_scans).where(mine).values(**changed).returning(mirror_scans.c.revision)
        return connection.execute(told).scalar_one()


def _revision(connection: Connection, project: str) -> tuple[int, int]:
    told = select(mirror_scans.c.revision, mirror_scans.c.removals)
    scan = connection.execute(told.where(mirror_scans.c.project == project)).one_or_none()
    return (scan.revision, scan.removals) if scan else (0, 0)


def _row(issue: MirroredIssue) -> Mapping[str, Any]:
    links = [[link.type, link.direction, link.key] for link in issue.links]
    return {**vars(issue), "summary": _storable(issue.summary), "text": _storable(issue.text), "links": links}


def _storable(text: str) -> str:
    """`text` without what no database takes: NUL and half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _issue(row: RowMapping) -> MirroredIssue:
    return MirroredIssue(
        key=row["key"],
        project=row["project"],
        summary=row["summary"],
        text=row.get("text", ""),
        type=row["type"],
        status=row["status"],
        priority=row["priority"],
        labels=tuple(row["labels"]),
        fix_versions=tuple(row["fix_versions"]),
        links=tuple(MirroredLink(*link) for link in row["links"]),
        reporter=row["reporter"],
        votes=row["votes"],
        created=row["created"],
        updated=row["updated"],
        subtask=row["subtask"],
    )
