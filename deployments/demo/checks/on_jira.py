"""What Jira shows: where each issue stands, how it came there, and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.outside import Json, Outside

_FORWARD = ("To Do", "In Progress", "Code Review", "QA")
_ROLLED_BACK = ("Waiting Release", "Released", "Waiting Release", "Released", "Closed")

WAYS = {
    "gift": (*_FORWARD, *_ROLLED_BACK),
    "search": (*_FORWARD, "In Progress", "Code Review", "QA", *_ROLLED_BACK),
    "again": ("To Do", "Closed"),
    "sales": (*_FORWARD, "In Progress"),
    "incident": (*_FORWARD, "Waiting Release", "Released", "Closed"),
}
"""Every status of each issue, in order: `search` was returned once, `gift` and `search` were
rolled back, `sales` was taken out of the release."""


def checks(facts: Facts) -> Iterator[Check]:
    """Statuses, versions, histories, links and comments."""

    def row(name: str, look: partial[Finding]) -> Check:
        return Check(f"jira.{name}", "Jira", look)

    versions = {
        "gift": (facts.release, facts.hotfix),
        "search": (facts.release, facts.hotfix),
        "incident": (facts.hotfix,),
        "again": (),
        "sales": (),
    }
    for name, way in WAYS.items():
        yield row(f"status.{name}", partial(_status, name=name, wanted=way[-1]))
        yield row(f"history.{name}", partial(_history, name=name, wanted=way))
        yield row(f"fix-version.{name}", partial(_fix_versions, name=name, wanted=versions[name]))
    for name in ("gift", "search", "sales", "incident"):
        yield row(f"links.{name}", partial(_links, name=name))
    for version, released in ((facts.release, False), (facts.hotfix, True)):
        yield row(f"version.{version}", partial(_version, name=version, released=released))
    for key in facts.deferred:
        yield row(f"deferred.{key}", partial(_deferred, key=key))
    yield row("duplicate", partial(_duplicate))
    yield row("return-reason", partial(_said_on, name="search", text=facts.return_reason))
    yield row("removal-reason", partial(_said_on, name="sales", text=facts.removal_reason))
    yield row("client-asked", partial(_client_asked))
    yield row("said-once", partial(_said_once))
    yield row("requests", partial(_requests))
    yield row("incident", partial(_incident))


def _issue(outside: Outside, name: str) -> Json:
    return outside.issue(outside.facts.keys[name])


def _comments(outside: Outside, key: str) -> list[str]:
    return [comment["body"] for comment in outside.issue(key)["fields"]["comment"]["comments"]]


def _status(outside: Outside, name: str, wanted: str) -> Finding:
    """where the issue stands in the end"""
    return Finding(wanted, _issue(outside, name)["fields"]["status"]["name"])


def _history(outside: Outside, name: str, wanted: tuple[str, ...]) -> Finding:
    """every status the issue went through, in order"""
    entries = sorted(_issue(outside, name)["changelog"]["histories"], key=lambda entry: int(entry["id"]))
    moves = [item for entry in entries for item in entry["items"] if item["field"] == "status"]
    seen = [moves[0]["fromString"], *(item["toString"] for item in moves)] if moves else ["no move"]
    return Finding(" → ".join(wanted), " → ".join(seen))


def _fix_versions(outside: Outside, name: str, wanted: tuple[str, ...]) -> Finding:
    """the versions that the issue goes out with"""
    seen = sorted(version["name"] for version in _issue(outside, name)["fields"]["fixVersions"])
    return Finding(", ".join(wanted) or "none", ", ".join(seen) or "none")


def _links(outside: Outside, name: str) -> Finding:
    """each of the issue's merge requests linked, once"""
    key = outside.facts.keys[name]
    wanted = [
        row["web_url"]
        for row in outside.gitlab("/merge_requests", state="all")
        if row["source_branch"].startswith(f"{key}-")
    ]
    urls = [link["object"]["url"] for link in outside.jira(f"/issue/{key}/remotelink")]
    seen = [url for url in urls if "/-/merge_requests/" in url]
    return Finding(", ".join(sorted(wanted)) or "a merge request", ", ".join(sorted(seen)) or "no link")


def _version(outside: Outside, name: str, *, released: bool) -> Finding:
    """the version once, released or not"""
    rows = outside.jira(f"/project/{outside.facts.jira_project}/versions")
    said = {True: "released", False: "not released"}
    seen = [said[bool(row["released"])] for row in rows if row["name"] == name]
    return Finding(f"{name} {said[released]}", f"{name} {' and '.join(seen) or 'missing'}")


def _deferred(outside: Outside, key: str) -> Finding:
    """a deferred issue waits on, in no version, and one comment says why"""
    fields = outside.issue(key)["fields"]
    comments = sum("Not in the next release" in body for body in _comments(outside, key))
    versions = ", ".join(version["name"] for version in fields["fixVersions"]) or "no version"
    return Finding(
        "To Do, no version, 1 comment says so",
        f"{fields['status']['name']}, {versions}, {comments} comment says so",
    )


def _duplicate(outside: Outside) -> Finding:
    """the duplicate linked to what it duplicates, once"""
    keys = outside.facts.keys
    seen = [
        f"{keys['again']} duplicates {link['outwardIssue']['key']}"
        for link in _issue(outside, "again")["fields"]["issuelinks"]
        if link["type"]["name"] == "Duplicate" and "outwardIssue" in link
    ]
    return Finding(f"{keys['again']} duplicates {keys['gift']}", ", ".join(seen) or "no link")


def _said_on(outside: Outside, name: str, text: str) -> Finding:
    """somebody's reason on the issue it is about, once, and on no other"""
    seen = [
        f"once on {key}"
        for key in outside.facts.keys.values()
        for body in _comments(outside, key)
        if text in body
    ]
    return Finding(f"once on {outside.facts.keys[name]}", " and ".join(seen) or "nowhere")


def _client_asked(outside: Outside) -> Finding:
    """the client, who has no Slack, asked by one link on her own issue"""
    facts = outside.facts
    seen = [key for key in facts.keys.values() for body in _comments(outside, key) if "/decide/" in body]
    return Finding(f"a link on {facts.keys['gift']}", f"a link on {', '.join(seen) or 'no issue'}")


def _said_once(outside: Outside) -> Finding:
    """no comment twice on any issue"""
    keys = (*outside.facts.keys.values(), *outside.facts.deferred)
    told = Counter((key, body) for key in keys for body in _comments(outside, key))
    twice = [f"{key}: {body}" for (key, body), count in told.items() if count > 1]
    return Finding("no comment twice", "; ".join(twice) or ("no comment twice" if told else "no comment"))


def _requests(outside: Outside) -> Finding:
    """the story's requests, one issue each"""
    facts = outside.facts
    wanted = [f"{facts.keys[name]} {title}" for name, title in facts.titles.items()]
    seen = [f"{issue['key']} {issue['fields']['summary']}" for issue in outside.labelled("request")]
    return Finding("; ".join(sorted(wanted)), "; ".join(sorted(seen)))


def _incident(outside: Outside) -> Finding:
    """one incident, a bug that names the release"""
    facts = outside.facts
    seen = [
        f"{issue['key']} {issue['fields']['issuetype']['name']} {issue['fields']['summary']}"
        for issue in outside.labelled("incident")
    ]
    summary = f"{facts.product} {facts.release} was rolled back to {facts.first}"
    return Finding(f"{facts.keys['incident']} Bug {summary}", "; ".join(seen) or "none")
