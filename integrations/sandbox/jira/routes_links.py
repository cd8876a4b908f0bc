"""Links between issues, remote links, ranks and registered webhooks."""

from __future__ import annotations

import math
from typing import Any

from integrations.sandbox.jira.app import Answer, Call, Table
from integrations.sandbox.jira.body import as_object, names, need_list, need_object, wrong
from integrations.sandbox.jira.catalogue import LINK_TYPES, LinkType
from integrations.sandbox.jira.hooks import EVENTS, WebhookTarget
from integrations.sandbox.jira.state import Link, Problem

RANKED_AT_ONCE = 50


def _kind(asked: Any) -> LinkType:
    given = as_object(asked)
    for kind in LINK_TYPES.values():
        if given.get("name") == kind.name or str(given.get("id", "")) == kind.id:
            return kind
    raise Problem(404, f"No issue link type with name '{given.get('name')}' found.")


def link_types(call: Call) -> Answer:
    """The kinds of link."""
    return 200, {"issueLinkTypes": [call.wire.link_type(kind) for kind in LINK_TYPES.values()]}


def create_link(call: Call) -> Answer:
    """Link two issues; a link that is there already stays one."""
    body = call.object()
    kind = _kind(body.get("type"))
    inward, outward = (
        call.state.issue(str(asked.get("key") or asked.get("id", "")))
        for asked in (as_object(body.get("inwardIssue")), as_object(body.get("outwardIssue")))
    )
    if inward is outward:
        raise Problem(400, "You cannot link an issue to itself.")
    link = call.state.link(kind.name, inward, outward)
    if link is not None:
        for issue, text in ((inward, kind.outward), (outward, kind.inward)):
            other = outward if issue is inward else inward
            item = {"field": "Link", "fieldtype": "jira", "from": None, "fromString": None, "to": other.key}
            call.state.touch(issue, call.actor, [{**item, "toString": f"This issue {text} {other.key}"}])
        call.hooks.link("issuelink_created", link)
    return 201, None


def _link(call: Call) -> Link:
    if call.path["link"] not in call.state.links:
        raise Problem(404, f"No issue link with id '{call.path['link']}' exists.")
    return call.state.links[call.path["link"]]


def read_link(call: Call) -> Answer:
    """A link with both of its ends."""
    link = _link(call)
    answer = call.wire.link(link, link.inward)
    return 200, {**answer, "inwardIssue": call.wire.linked(link.inward)}


def delete_link(call: Call) -> Answer:
    """A link is gone."""
    link = _link(call)
    call.state.unlink(link)
    call.state.revision += 1
    call.hooks.link("issuelink_deleted", link)
    return 204, None


def remote_links(call: Call) -> Answer:
    """An issue's remote links, all or the one of `globalId`."""
    issue = call.state.issue(call.path["issue"])
    wanted = call.query.get("globalId")
    if wanted is None:
        return 200, list(issue.remote_links.values())
    if wanted not in issue.remote_links:
        raise Problem(404, f"No remote issue link with global ID '{wanted}' exists.")
    return 200, issue.remote_links[wanted]


def put_remote_link(call: Call) -> Answer:
    """Create, or replace the one of the same `globalId`: what is not sent is nulled."""
    issue = call.state.issue(call.path["issue"])
    body = call.object()
    target = need_object(body.get("object"), "object")
    if not target.get("url") or not target.get("title"):
        raise wrong("object", "'object' with 'url' and 'title' is required.")
    before = issue.remote_links.get(body.get("globalId", ""))
    id_ = int(before["id"]) if before else int(call.state.next_id())
    url = f"{call.wire.api}/issue/{issue.key}/remotelink/{id_}"
    key = body.get("globalId") or f"#{id_}"
    kept = {name: body[name] for name in ("globalId", "application", "relationship") if body.get(name)}
    issue.remote_links[key] = {"id": id_, "self": url, **kept, "object": target}
    return (200 if before else 201), {"id": id_, "self": url}


def delete_remote_link(call: Call) -> Answer:
    """The remote link of `globalId` is gone."""
    issue = call.state.issue(call.path["issue"])
    if issue.remote_links.pop(call.query.get("globalId", ""), None) is None:
        raise Problem(404, "No such remote issue link exists.")
    return 204, None


def rank(call: Call) -> Answer:
    """Put at most 50 issues before or after another one, in the order given."""
    body = call.object()
    asked = need_list(body.get("issues"), "issues")
    before = "rankBeforeIssue" in body
    if not asked or (not before and "rankAfterIssue" not in body):
        raise Problem(400, "issues and rankBeforeIssue or rankAfterIssue are required.")
    if len(asked) > RANKED_AT_ONCE:
        raise Problem(400, f"At most {RANKED_AT_ONCE} issues may be ranked at once.")
    try:
        issues = [call.state.issue(str(key)) for key in asked]
        anchor = call.state.issue(str(body["rankBeforeIssue" if before else "rankAfterIssue"]))
    except Problem as problem:  # the description knows no 404 here: that is a Jira without Jira Software
        raise Problem(400, *problem.messages) from None
    if anchor in issues:
        raise Problem(400, "An issue cannot be ranked before or after itself.")
    others = [issue.rank for issue in call.state.issues.values() if issue not in issues]
    if before:
        low = max((rank for rank in others if rank < anchor.rank), default=anchor.rank - 1)
        high = anchor.rank
    else:
        low = anchor.rank
        high = min((rank for rank in others if rank > anchor.rank), default=anchor.rank + 1)
    for n, issue in enumerate(issues, 1):
        issue.rank = low + (high - low) * n / (len(issues) + 1)
        assert math.isfinite(issue.rank)
    call.state.revision += 1
    return 204, None


def webhooks(call: Call) -> Answer:
    """The registered webhooks, without their secrets."""
    return 200, [_shown(call, id_, target) for id_, target in call.hooks.targets.items()]


def _shown(call: Call, id_: str, target: WebhookTarget) -> dict[str, Any]:
    url = f"{call.wire.url}/rest/webhooks/1.0/webhook/{id_}"
    return {
        "name": target.url,
        "url": target.url,
        "events": list(target.events),
        "enabled": True,
        "self": url,
    }


def register_webhook(call: Call) -> Answer:
    """Register a webhook; an event that this Jira never sends is refused."""
    body = call.object()
    if not str(body.get("url", "")).startswith(("http://", "https://")):
        raise Problem(400, "The webhook's url is not valid.")
    events = tuple(names(body.get("events")))
    if unknown := set(events) - set(EVENTS):
        raise Problem(400, f"Unknown events: {', '.join(sorted(unknown))}")
    target = WebhookTarget(body["url"], str(body.get("secret") or ""), events)
    return 201, _shown(call, call.hooks.register(target), target)


def delete_webhook(call: Call) -> Answer:
    """A webhook is gone."""
    if call.hooks.targets.pop(call.path["webhook"], None) is None:
        raise Problem(404, "No webhook with that id exists.")
    return 204, None


TABLE: Table = [
    ("GET", "/issueLinkType", link_types),
    ("POST", "/issueLink", create_link),
    ("GET", "/issueLink/{link}", read_link),
    ("DELETE", "/issueLink/{link}", delete_link),
    ("GET", "/issue/{issue}/remotelink", remote_links),
    ("POST", "/issue/{issue}/remotelink", put_remote_link),
    ("DELETE", "/issue/{issue}/remotelink", delete_remote_link),
]
AGILE: Table = [("PUT", "/issue/rank", rank)]
WEBHOOKS: Table = [
    ("GET", "/webhook", webhooks),
    ("POST", "/webhook", register_webhook),
    ("DELETE", "/webhook/{webhook}", delete_webhook),
]
