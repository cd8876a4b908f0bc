"""Rows as Jira's JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.jira.catalogue import (
    LINK_TYPES,
    PRIORITIES,
    STATUSES,
    Category,
    LinkType,
    Transition,
)
from integrations.sandbox.jira.state import Change, Comment, Issue, Link, State, Version

Json = dict[str, Any]


def stamp(moment: datetime) -> str:
    """`2026-01-31T10:05:00.000+0000`: no colon in the offset."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


class Wire:
    """Renders rows with the links of the Jira at `url`."""

    def __init__(self, state: State, url: str) -> None:
        self.state = state
        self.url = url
        self.api = f"{url}/rest/api/2"
        self._fields: dict[str, Callable[[Issue], Any]] = {
            "summary": lambda i: i.summary,
            "description": lambda i: i.description or None,
            "status": lambda i: self.status(i.status),
            "issuetype": lambda i: self.issue_type(i.issuetype),
            "priority": lambda i: self.priority(i.priority) if i.priority else None,
            "labels": lambda i: list(i.labels),
            "fixVersions": lambda i: [self.version(self.state.versions[v]) for v in i.fix_versions],
            "components": lambda i: [{"name": name} for name in i.components],
            "assignee": lambda i: self.user(i.assignee) if i.assignee else None,
            "reporter": lambda i: self.user(i.reporter) if i.reporter else None,
            "creator": lambda i: self.user(i.creator) if i.creator else None,
            "project": lambda i: self.project(i.project),
            "resolution": lambda i: self.resolution(i.resolution) if i.resolution else None,
            "resolutiondate": lambda i: stamp(i.resolved) if i.resolved else None,
            "issuelinks": lambda i: [self.link(link, i.key) for link in i.links],
            "parent": lambda i: self.linked(i.parent) if i.parent else None,
            "votes": self.votes,
            "subtasks": lambda i: [self.linked(part.key) for part in self.state.subtasks(i.key)],
            "duedate": lambda i: i.duedate or None,
            "created": lambda i: stamp(i.created),
            "updated": lambda i: stamp(i.updated),
            "comment": self.comments,
        }

    def user(self, account_id: str) -> Json:
        """An account: Cloud shows the account id, Server the name."""
        person = self.state.people.get(account_id)
        name = person.name if person else account_id
        email = person.email if person else ""
        avatars = dict.fromkeys(("16x16", "24x24", "32x32", "48x48"), f"{self.url}/avatar.png")
        active = person.active if person else True
        common = {"displayName": name, "active": active, "timeZone": "Etc/UTC", "avatarUrls": avatars}
        if self.state.cloud:
            kind = "app" if person and person.is_bot else "atlassian"
            ids = {"accountId": account_id, "accountType": kind, "emailAddress": email}
            return {"self": f"{self.api}/user?accountId={account_id}", **ids, **common}
        ids = {"name": account_id, "key": account_id, "emailAddress": email}
        return {"self": f"{self.api}/user?username={account_id}", **ids, **common}

    def votes(self, issue: Issue) -> Json:
        """How many voted; voting changes nothing else of the issue, not even when it was updated."""
        return {"self": f"{self.api}/issue/{issue.key}/votes", "votes": issue.votes, "hasVoted": False}

    def category(self, category: Category) -> Json:
        """A status category."""
        names = {"key": category.key, "colorName": category.color, "name": category.name}
        return {"self": f"{self.api}/statuscategory/{category.id}", "id": category.id, **names}

    def status(self, name: str) -> Json:
        """A status with its category."""
        status = STATUSES[name]
        return {
            "self": f"{self.api}/status/{status.id}",
            "id": status.id,
            "name": status.name,
            "description": "",
            "iconUrl": f"{self.url}/status.png",
            "statusCategory": self.category(status.category),
        }

    def issue_type(self, name: str) -> Json:
        """An issue type."""
        id_ = self.state.issue_types[name]
        common = {"description": "", "iconUrl": f"{self.url}/type.png", "subtask": name == "Sub-task"}
        return {"self": f"{self.api}/issuetype/{id_}", "id": id_, "name": name, **common}

    def priority(self, name: str) -> Json:
        """A priority."""
        id_ = PRIORITIES[name]
        icon = f"{self.url}/priority.png"
        return {"self": f"{self.api}/priority/{id_}", "id": id_, "name": name, "iconUrl": icon}

    def resolution(self, name: str) -> Json:
        """A resolution."""
        id_ = self.state.resolutions[name]
        return {"self": f"{self.api}/resolution/{id_}", "id": id_, "name": name, "description": ""}

    def project(self, key: str) -> Json:
        """A project, as an issue shows it."""
        id_ = self.state.project_ids[key]
        kind = "service_desk" if key in self.state.desks else "software"
        names = {"key": key, "name": self.state.projects[key], "projectTypeKey": kind}
        return {"self": f"{self.api}/project/{id_}", "id": id_, **names}

    def version(self, version: Version) -> Json:
        """A version; without a release date the field is absent, as in Jira."""
        answer: Json = {
            "self": f"{self.api}/version/{version.id}",
            "id": version.id,
            "name": version.name,
            "description": version.description,
            "archived": version.archived,
            "released": version.released,
            "projectId": int(self.state.project_ids[version.project]),
        }
        return answer | ({"releaseDate": version.release_date} if version.release_date else {})

    def link_type(self, kind: LinkType) -> Json:
        """A kind of link."""
        url = f"{self.api}/issueLinkType/{kind.id}"
        return {"id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward, "self": url}

    def linked(self, key: str) -> Json:
        """The other end of a link: a few fields only."""
        issue = self.state.issues[key]
        return {
            **self.ids(issue),
            "fields": self.fields(issue, ("summary", "status", "priority", "issuetype")),
        }

    def link(self, link: Link, seen_from: str) -> Json:
        """A link as one of its issues shows it: the other end only."""
        inward = link.outward == seen_from
        other = (
            {"inwardIssue": self.linked(link.inward)}
            if inward
            else {"outwardIssue": self.linked(link.outward)}
        )
        kind = self.link_type(LINK_TYPES[link.type])
        return {"id": link.id, "self": f"{self.api}/issueLink/{link.id}", "type": kind, **other}

    def comment(self, issue_id: str, comment: Comment, *, properties: bool = False) -> Json:
        """A comment, with its properties if asked for."""
        answer: Json = {
            "self": f"{self.api}/issue/{issue_id}/comment/{comment.id}",
            "id": comment.id,
            "author": self.user(comment.author),
            "updateAuthor": self.user(comment.author),
            "body": comment.body,
            "created": stamp(comment.created),
            "updated": stamp(comment.updated),
        }
        if properties:
            answer["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return answer

    def comments(self, issue: Issue) -> Json:
        """The comments as a field of an issue."""
        shown = [self.comment(issue.id, comment) for comment in issue.comments]
        return {"comments": shown, "maxResults": len(shown), "total": len(shown), "startAt": 0}

    def transition(self, transition: Transition, *, fields: bool = False) -> Json:
        """A transition with the status it leads to."""
        answer: Json = {"id": transition.id, "name": transition.name, "to": self.status(transition.target)}
        answer |= {"hasScreen": False, "isGlobal": False, "isInitial": False, "isConditional": False}
        return answer | ({"fields": {}} if fields else {})

    def change(self, change: Change) -> Json:
        """An entry of the history."""
        who = self.user(change.author)
        return {"id": change.id, "author": who, "created": stamp(change.created), "items": change.items}

    def ids(self, issue: Issue) -> Json:
        """What every mention of an issue has."""
        return {"id": issue.id, "key": issue.key, "self": f"{self.api}/issue/{issue.id}"}

    def fields(self, issue: Issue, wanted: Collection[str]) -> Json:
        """The wanted fields; `*all` and `*navigable` mean every one. What is not known is left out."""
        if "*all" in wanted or "*navigable" in wanted:
            hidden = {name[1:] for name in wanted if name.startswith("-")}
            if "*all" not in wanted:
                hidden.add("comment")
            return {name: render(issue) for name, render in self._fields.items() if name not in hidden}
        return {name: self._fields[name](issue) for name in wanted if name in self._fields}

    def issue(
        self,
        issue: Issue,
        wanted: Collection[str] = ("*all",),
        *,
        expand: Collection[str] = (),
        properties: Collection[str] = (),
    ) -> Json:
        """A whole issue, with what `expand` and `properties` ask for."""
        answer: Json = {"expand": "names,transitions,changelog", **self.ids(issue)}
        answer["fields"] = self.fields(issue, wanted)
        if properties:
            answer["properties"] = {
                key: issue.properties[key] for key in properties if key in issue.properties
            }
        if "transitions" in expand:
            answer["transitions"] = [self.transition(way) for way in self.state.ways_from(issue)]
        if "changelog" in expand:
            entries = [self.change(change) for change in reversed(issue.history)]
            page = {"startAt": 0, "maxResults": len(entries), "total": len(entries)}
            answer["changelog"] = {**page, "histories": entries}
        return answer
