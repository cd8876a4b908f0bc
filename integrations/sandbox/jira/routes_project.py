"""The server, its people, projects and versions, and the lists an administrator set."""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox.jira.app import Answer, Call, Table
from integrations.sandbox.jira.body import wrong
from integrations.sandbox.jira.catalogue import CATEGORIES, FIELDS, PRIORITIES, STATUSES
from integrations.sandbox.jira.state import Problem, Version
from integrations.sandbox.jira.wire import stamp


def server_info(call: Call) -> Answer:
    """Which Jira this is; needs no login, as with Atlassian."""
    cloud = call.state.cloud
    return 200, {
        "baseUrl": call.wire.url,
        "version": "1001.0.0-SNAPSHOT" if cloud else "10.3.0",
        "versionNumbers": [1001, 0, 0] if cloud else [10, 3, 0],
        "deploymentType": "Cloud" if cloud else "Server",
        "buildNumber": 100288,
        "buildDate": "2026-01-01T00:00:00.000+0000",
        "serverTime": stamp(call.state.now()),
        "scmInfo": "sandbox",
        "serverTitle": "Sandbox Jira",
    }


def myself(call: Call) -> Answer:
    """Whoever calls."""
    return 200, call.wire.user(call.actor)


def user(call: Call) -> Answer:
    """One account, by account id (Cloud) or name (Server)."""
    name = "accountId" if call.state.cloud else "username"
    account = call.query.get(name)
    if account is None:
        raise Problem(400, f"The query parameter '{name}' is required.")
    if account not in call.state.people:
        raise Problem(404, "Specified user does not exist or you do not have required permissions")
    return 200, call.wire.user(account)


def find_users(call: Call) -> Answer:
    """Accounts whose name or address contains the text: fuzzy, as the vendor's is."""
    text = call.query.get("query" if call.state.cloud else "username", "").casefold()
    if not text:
        raise Problem(400, "Either the 'query', 'accountId' or 'property' query parameter must be provided")
    found = [p for p in call.state.people.values() if text in f"{p.name} {p.email}".casefold()]
    return 200, [call.wire.user(person.jira_account_id) for person in found]


def fields(call: Call) -> Answer:
    """Every field."""
    del call
    return 200, [
        {
            "id": id_,
            "key": id_,
            "name": name,
            "custom": False,
            "orderable": True,
            "navigable": True,
            "searchable": bool(clauses),
            "clauseNames": list(clauses),
            "schema": {"type": type_, "system": id_},
        }
        for id_, (name, type_, clauses) in FIELDS.items()
    ]


def statuses(call: Call) -> Answer:
    """Every status."""
    return 200, [call.wire.status(name) for name in STATUSES]


def categories(call: Call) -> Answer:
    """Every status category."""
    return 200, [call.wire.category(category) for category in CATEGORIES]


def priorities(call: Call) -> Answer:
    """Every priority, the highest first."""
    return 200, [call.wire.priority(name) for name in PRIORITIES]


def issue_types(call: Call) -> Answer:
    """Every issue type."""
    return 200, [call.wire.issue_type(name) for name in call.state.issue_types]


def resolutions(call: Call) -> Answer:
    """Every resolution."""
    return 200, [call.wire.resolution(name) for name in call.state.resolutions]


def projects(call: Call) -> Answer:
    """Every project."""
    return 200, [call.wire.project(key) for key in call.state.projects]


def project(call: Call) -> Answer:
    """One project with its issue types and versions."""
    key = call.state.project(call.path["project"])
    types = [call.wire.issue_type(name) for name in call.state.issue_types]
    made = [call.wire.version(version) for version in call.state.versions_of(key)]
    return 200, {**call.wire.project(key), "description": "", "issueTypes": types, "versions": made}


def project_statuses(call: Call) -> Answer:
    """The statuses of each issue type: the same workflow for all."""
    call.state.project(call.path["project"])
    shown = [call.wire.status(name) for name in STATUSES]
    return 200, [{**call.wire.issue_type(name), "statuses": shown} for name in call.state.issue_types]


def versions(call: Call) -> Answer:
    """A project's versions, all of them."""
    key = call.state.project(call.path["project"])
    return 200, [call.wire.version(version) for version in call.state.versions_of(key)]


_VERSION = {"name": str, "description": str, "released": bool, "archived": bool, "releaseDate": str}


def _version_values(body: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, type_ in _VERSION.items():
        if (value := body.get(name)) is None:
            continue
        if not isinstance(value, type_):
            raise wrong(name, f"The value of '{name}' is not valid.")
        values["release_date" if name == "releaseDate" else name] = value
    if unknown := set(body) - set(_VERSION) - {"project", "projectId", "id", "self"}:
        raise Problem(400, f'Unrecognized field "{unknown.pop()}", not marked as ignorable')
    if "release_date" in values and not re.fullmatch(r"\d{4}-\d\d-\d\d", values["release_date"]):
        raise wrong("releaseDate", "Please enter the date in the following format: yyyy-MM-dd")
    return values


def _free(call: Call, project: str, name: str, *, but: str = "") -> None:
    """Two versions of a project may not share a name, case ignored."""
    if not name.strip():
        raise wrong("name", "You must specify a valid version name")
    for version in call.state.versions_of(project):
        if version.id != but and version.name.casefold() == name.casefold():
            raise wrong("name", "A version with this name already exists in this project.")


def create_version(call: Call) -> Answer:
    """A version; its name is unique in the project."""
    body = call.object()
    asked = body.get("projectId") or body.get("project")
    if not asked:
        raise wrong("project", "Project must be specified to create a version.")
    project_key = call.state.project(str(asked))
    values = _version_values(body)
    _free(call, project_key, values.get("name", ""))
    version = Version(call.state.next_id(), project_key, **values)
    call.state.versions[version.id] = version
    call.state.revision += 1
    call.hooks.version("jira:version_created", version)
    return 201, call.wire.version(version)


def read_version(call: Call) -> Answer:
    """One version."""
    return 200, call.wire.version(call.state.version(call.path["version"]))


def edit_version(call: Call) -> Answer:
    """Change a version; releasing and taking back are told to the webhooks."""
    version = call.state.version(call.path["version"])
    values = _version_values(call.object())
    if "name" in values:
        _free(call, version.project, values["name"], but=version.id)
    before = version.released
    for name, value in values.items():
        setattr(version, name, value)
    call.state.revision += 1
    if version.released != before:
        call.hooks.version(f"jira:version_{'released' if version.released else 'unreleased'}", version)
    return 200, call.wire.version(version)


OPEN: Table = [("GET", "/serverInfo", server_info)]
TABLE: Table = [
    ("GET", "/myself", myself),
    ("GET", "/user", user),
    ("GET", "/user/search", find_users),
    ("GET", "/field", fields),
    ("GET", "/status", statuses),
    ("GET", "/statuscategory", categories),
    ("GET", "/priority", priorities),
    ("GET", "/issuetype", issue_types),
    ("GET", "/resolution", resolutions),
    ("GET", "/project", projects),
    ("GET", "/project/{project}", project),
    ("GET", "/project/{project}/statuses", project_statuses),
    ("GET", "/project/{project}/versions", versions),
    ("POST", "/version", create_version),
    ("GET", "/version/{version}", read_version),
    ("PUT", "/version/{version}", edit_version),
]
