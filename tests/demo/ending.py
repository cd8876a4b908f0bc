"""How the story ends, done by hand: what `play` leaves is what every check expects."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from deployments.demo.checks import Outside, on_gitlab
from deployments.demo.checks.on_ledger import REFUSED
from tests.demo.standins import canonical, chained
from tests.demo.world import DEFERRED, KEYS, LOCK_REASON, NAMES, PEOPLE, REASON, REMOVAL_REASON, TITLES, World

Json = dict[str, Any]

GIFT, SEARCH, AGAIN, SALES, INCIDENT = KEYS.values()
LIVE = "Shop 1.4.1 (hotfix) is live"
LOCKED = f"Awaiting environment: production is locked by olli: {LOCK_REASON}"
FROZEN = "Awaiting production: frozen: GitLab's freeze period 7, until 2026-01-02 00:00 UTC"
OUT, BACK = "conveyor/1.4.0-without-7f3a", "conveyor/back-1.4.0"
TOOK_S = 6.5
REHEARSED = "Rehearsed: "
ROLLED_BACK = "Shop 1.4.0 was rolled back to 1.3.0"


def play(world: World) -> None:
    """Bring the whole world to the story's end."""
    _requests(world)
    _code(world)
    _issues(world)
    _messages(world)
    _runs(world)
    tell_ledger(world, events(world))


def _requests(world: World) -> None:
    world.jira.load_backlog(
        ['{"title": "Print the invoice", "created": "2026-01-01T00:00:00+00:00"}'], "SHOP"
    )
    for name in TITLES:
        assert _issue(world, TITLES[name], "Task", "request") == KEYS[name]
    body = {"title": TITLES["search"], "description": "please", "labels": "request"}
    iid = world.on_gitlab("POST", "/issues", body)["iid"]
    world.on_gitlab("POST", f"/issues/{iid}/notes", {"body": f"Thank you: your request is {SEARCH}"})


def _issue(world: World, summary: str, kind: str, label: str) -> str:
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": kind}, "summary": summary, "labels": [label]}
    return world.on_jira("POST", "/issue", {"fields": fields})["key"]


def _code(world: World) -> None:
    world.tag("1.3.0", "main")
    for step in ("verify", "production"):
        world.step("1.3.0", step)
    world.develop(f"{GIFT}-gift-wrap", "gift-wrap", "main")
    world.develop(f"{SEARCH}-search", "search", "main")
    world.develop(f"{SALES}-foreign-licence", "foreign-licence", "main")
    world.on_gitlab("POST", "/repository/branches", {"branch": "release/1.4.0", "ref": "main"})
    world.tag("1.4.0-rc.1", "release/1.4.0")
    world.step("1.4.0-rc.1", "verify", "1.4.0-rc.1:verify")
    world.without("release/1.4.0", "origin/main", OUT)
    world.merge(OUT, "release/1.4.0")
    _candidate(world, "1.4.0-rc.2", "release/1.4.0")
    world.develop(f"{SEARCH}-search-fix", "search-fix", "release/1.4.0")
    _candidate(world, "1.4.0-rc.3", "release/1.4.0")
    _out(world, "1.4.0", "1.4.0-rc.3", [GIFT, SEARCH])
    # Main keeps what was taken out: the revert is reverted on the way back.
    world.git("fetch", "-q", "origin")
    taken_out = world.git("log", "--merges", "--format=%H", "--grep", OUT, "origin/release/1.4.0")
    world.without("release/1.4.0", taken_out, BACK)
    world.merge(BACK, "main")
    world.step("1.3.0", "production", "rollback", rollback=True)
    assert _issue(world, ROLLED_BACK, "Bug", "incident") == INCIDENT
    world.on_gitlab("POST", "/repository/branches", {"branch": "release/1.4.1", "ref": "1.4.0"})
    world.develop(f"{INCIDENT}-fault-fix", "fault-fix", "release/1.4.1")
    _candidate(world, "1.4.1-rc.1", "release/1.4.1")
    _freeze(world)
    _out(world, "1.4.1", "1.4.1-rc.1", [GIFT, SEARCH, INCIDENT])
    world.merge("release/1.4.1", "main")


def _freeze(world: World) -> None:
    body = {"freeze_start": "0 0 1 1 *", "freeze_end": "0 0 2 1 *"}
    world.on_gitlab("POST", "/freeze_periods", body)


def _candidate(world: World, tag: str, branch: str) -> None:
    world.tag(tag, branch)
    for step in ("verify", "staging"):
        world.step(tag, step, f"{tag}:{step}")
    world.step("1.3.0", "staging", f"{tag}:back", rollback=True)
    world.step(tag, "staging", f"{tag}:forward")


def _out(world: World, version: str, candidate: str, keys: list[str]) -> None:
    world.tag(version, candidate)
    world.step(version, "production", f"{version}:production")
    notes = "\n".join(f"• {key} {world.on_jira('GET', f'/issue/{key}')['fields']['summary']}" for key in keys)
    world.on_gitlab("POST", "/releases", {"tag_name": version, "description": notes})


def _issues(world: World) -> None:
    forward, back = ("In Progress", "Code Review", "QA"), ("Waiting Release", "Released")
    world.walk(GIFT, *forward, *back, *back, "Closed")
    world.walk(SEARCH, *forward, *forward, *back, *back, "Closed")
    world.walk(SALES, *forward, "In Progress")
    world.walk(INCIDENT, *forward, *back, "Closed")
    world.walk(AGAIN, "Closed")
    for version in ("1.4.0", "1.4.1"):
        world.on_jira(
            "POST", "/version", {"name": version, "project": "SHOP", "released": version == "1.4.1"}
        )
    for key, versions in ((GIFT, ("1.4.0", "1.4.1")), (SEARCH, ("1.4.0", "1.4.1")), (INCIDENT, ("1.4.1",))):
        update = {"fixVersions": [{"add": {"name": version}} for version in versions]}
        world.on_jira("PUT", f"/issue/{key}", {"update": update})
    link = {"type": {"name": "Duplicate"}, "inwardIssue": {"key": AGAIN}, "outwardIssue": {"key": GIFT}}
    world.on_jira("POST", "/issueLink", link)
    for request in world.on_gitlab("GET", "/merge_requests?state=all"):
        key = "-".join(request["source_branch"].split("-")[:2])
        if key in KEYS.values():
            there = {"url": request["web_url"], "title": request["title"]}
            world.on_jira("POST", f"/issue/{key}/remotelink", {"globalId": there["url"], "object": there})
    for key, text in (
        (DEFERRED, "Not in the next release (weekly review): later."),
        (SEARCH, f"Returned for rework by Quinn (QA): {REASON}"),
        (SALES, f"Taken out of 1.4.0: {REMOVAL_REASON}. main still has its change."),
        (GIFT, "Clara (client): did it help? http://gateway.test/decide/abc"),
        (AGAIN, f"Merged into {GIFT}."),
    ):
        world.on_jira("POST", f"/issue/{key}/comment", {"body": text})


def asked(issue: str, state: str) -> str:
    """A question of a sign-off message, and how it ended."""
    what = f"*{issue}* <http://jira.test/browse/{issue}|a title>" if issue else "*The release as a whole*"
    return f"{what}\n{state}"


def _signed(who: str, role: str, more: str = "") -> str:
    return f"✅ signed by {NAMES[who]} as {role}{more}"


def _messages(world: World) -> None:
    quinn, kept = _signed("quinn", "qa"), ", kept from `12345678`: its files are unchanged"
    gerd = asked("", _signed("gerd", "management"))
    for title, *sections in (
        (
            "QA: Shop 1.4.0-rc.2",
            asked(GIFT, quinn),
            asked(SEARCH, f"↩️ returned by {NAMES['quinn']}: {REASON}"),
        ),
        ("QA: Shop 1.4.0-rc.3", asked(GIFT, quinn + kept), asked(SEARCH, quinn)),
        ("Manager's check of staging: Shop 1.4.0-rc.3", asked("", _signed("mara", "manager"))),
        ("The client's consent: Shop 1.4.0-rc.3", asked("", _signed("clara", "client"))),
        ("Management's approval: Shop 1.4.0-rc.3", gerd),
        ("QA: Shop 1.4.1-rc.1", *(asked(key, quinn) for key in (GIFT, SEARCH, INCIDENT))),
        ("Management's approval: Shop 1.4.1-rc.1", gerd),
    ):
        tag = title.rpartition(" ")[2]
        facts = [f"{REHEARSED}{rehearsed(world, tag)}."] if title.startswith("QA") else []
        world.post("releases", title, "On staging", *facts, *sections, edited=True)
    for text in (
        "Shop 1.4.0: Superseded",
        "Scope of Shop 1.4.0 changed",
        "Shop: production is locked",
        "Shop 1.4.0 is live",
        ROLLED_BACK,
        "Shop 1.4.1 (hotfix): Closed",
        "Shop 1.4.1 (hotfix) may go out in a freeze",
        "Shop 1.4.1 (hotfix): the watch ended healthy",
    ):
        world.post("releases", text, text)
    world.post("releases", LIVE, LIVE, button=roll_back_button(world))
    refused = f"❌ *1.4.0-rc.1 was rejected*\n• {REFUSED} (<{scan_job(world)}|evidence>)"
    world.post("releases", "1.4.0-rc.1 was rejected", refused)
    answers = f"• {GIFT}: solved\n• {GIFT}: solved (The ribbon is lovely.)\n• {SEARCH}: partly"
    world.post("releases", "Shop 1.4.1 (hotfix) is closed", f"✅ *closed*\n{answers}")
    merged = f"🔗 merged into *<http://jira.test/browse/{GIFT}|{GIFT}>* by {NAMES['mara']}"
    world.post("planning", f"New request {AGAIN}: {TITLES['again']}", merged, edited=True)
    closed = f"🏁 closed by {NAMES['olli']}: release 1.4.0 starts"
    world.post("planning", "Weekly review 2026-W01: Shop 1.4.0", closed, edited=True)
    world.post(
        "mara", "A link for Clara (client)", "Clara (client) decides: <http://gateway.test/decide/abc|here>"
    )
    world.post("gerd", f"Did {TITLES['gift']} help?", "Did it?")
    world.post("dora", f"Did {TITLES['search']} help?", "Did it?")
    refusal = {"channel": world.slack.channel_id("releases"), "user": PEOPLE["dora"].slack_id}
    text = "Not signed: you wrote part of candidate 3; QA is signed by qa."
    world.on_slack("chat.postEphemeral", {**refusal, "text": text})


def scan_job(world: World) -> str:
    """The address of the job that found what the gate refused."""
    [pipeline] = world.on_gitlab("GET", "/pipelines?ref=1.4.0-rc.1")
    jobs = world.on_gitlab("GET", f"/pipelines/{pipeline['id']}/jobs")
    return next(job["web_url"] for job in jobs if job["name"] == "scan")


def rehearsed(world: World, tag: str) -> str:
    """How long the candidate's way back and forward took, in the words of the message to QA."""
    with Outside(world.facts) as outside:
        return on_gitlab.rehearsed(outside, tag).replace("1.3.0", "`1.3.0`")


def roll_back_button(world: World, took_s: float = TOOK_S) -> Json:
    """The button that takes the hotfix back, with what it asks first."""
    tried = rehearsed(world, "1.4.1-rc.1").partition(",")[0].partition(" in ")[2]
    said = f"Rehearsed on staging in {tried}; the last rollback (2026-01-01) took {took_s} s"
    confirm = {
        "title": {"type": "plain_text", "text": "Roll back?"},
        "text": {"type": "mrkdwn", "text": said},
        "confirm": {"type": "plain_text", "text": "Look"},
        "deny": {"type": "plain_text", "text": "Cancel"},
    }
    text = {"type": "plain_text", "text": "Roll back"}
    return {"type": "button", "text": text, "action_id": "release.rollback", "value": "x", "confirm": confirm}


def _runs(world: World) -> None:
    prefect = world.prefect
    prefect.run("intake", "intake shop", "Completed")
    review = prefect.run("weekly-review", "weekly review 2026-W01", "Closed", waits=["Awaiting review"])
    signing = ("Awaiting QA", "Awaiting manager", "Awaiting client", "Awaiting approval")
    before = (
        "Awaiting development",
        "Awaiting rework",
        "Awaiting QA",
        "Awaiting rework",
        "Awaiting rework",
        "Awaiting pipeline",
    )
    first = prefect.run(
        "release",
        "release 1.4.0",
        "Superseded",
        waits=[*before, *signing, LOCKED, "Watching", "Watching", "Rolled back"],
    )
    second = prefect.run(
        "release",
        "release 1.4.1",
        "Closed",
        waits=[
            *("Awaiting development", "Awaiting QA", "Awaiting approval", FROZEN, "Awaiting production"),
            *("Watching", "Awaiting feedback"),
        ],
    )
    link = f"[weekly review](http://prefect.test/runs/flow-run/{review})"
    prefect.artifact(first, "release-shop-1-4-0", f"# shop 1.4.0: Superseded\n\n{link}\n")
    prefect.artifact(first, "review-shop-2026-w01", "[]", kind="table")
    prefect.artifact(second, "release-shop-1-4-1", "# shop 1.4.1: Closed\n\n")
    prefect.run("retrospective", "retrospective release:shop:1.4.0", "Completed", creator="automation")
    last = prefect.run("retrospective", "retrospective release:shop:1.4.1", "Completed", creator="automation")
    prefect.run("feedback", "feedback release:shop:1.4.1", "Completed", creator="automation")
    prefect.artifact(last, "dora-shop", four_keys(world))


def four_keys(world: World, **other: float) -> str:
    """The retrospective's page; `other` are figures that it has wrong."""
    rows = world.on_gitlab("GET", "/deployments?environment=production&order_by=id&sort=asc")
    failed, back = (datetime.fromisoformat(row["deployable"]["finished_at"]) for row in rows[1:3])
    keys = {
        "deployment_frequency": 0.02222,
        "lead_time_for_changes_s": 26.25,
        "change_failure_rate": 0.5,
        "failed_deployment_recovery_time_s": (back - failed).total_seconds(),
        **other,
    }
    lines = "\n".join(f"| {name} | {value} |" for name, value in keys.items())
    return f"# DORA's four keys: shop\n\n| key | value |\n| --- | --- |\n{lines}"


def events(world: World) -> list[tuple[str, str, Json]]:
    """What the ledger holds, as far as the checks look at it."""
    tags = ("1.4.0-rc.1", "1.4.0-rc.2", "1.4.0-rc.3", "1.4.1-rc.1")
    refused, one, two, last = (world.sha(tag) for tag in tags)
    digest, back = "d" * 64, {"to_tag": "1.3.0", "ok": True}
    carried = {"issue": GIFT, "from_sha": one, "to_sha": two, "from_digest": digest, "to_digest": digest}
    return [
        ("review:shop:2026-W01", "ReviewClosed", {}),
        ("release:shop:1.4.0", "CandidateCut", {"tag": "1.4.0-rc.1", "sha": refused}),
        ("release:shop:1.4.0", "CandidateRejected", {"number": 1, "reasons": [REFUSED]}),
        ("release:shop:1.4.0", "ScopeChangeAsked", {"remove": [SALES], "person": "olli"}),
        *(("release:shop:1.4.0", "ScopeChangeApproved", {"person": who}) for who in ("olli", "mara")),
        ("release:shop:1.4.0", "ScopeChanged", {"issues": [SEARCH, GIFT]}),
        ("release:shop:1.4.0", "CandidateCut", {"tag": "1.4.0-rc.2", "sha": one}),
        ("release:shop:1.4.0", "CandidateCut", {"tag": "1.4.0-rc.3", "sha": two}),
        ("release:shop:1.4.0", "SignOffCarried", carried),
        *(("release:shop:1.4.0", "Rehearsed", {**back, "number": number}) for number in (2, 3)),
        ("environment:shop:production", "Locked", {"person": "olli", "reason": LOCK_REASON}),
        ("release:shop:1.4.0", "StepPassed", {"step": "approval"}),
        ("environment:shop:production", "Unlocked", {"person": "olli"}),
        ("release:shop:1.4.0", "ProductionStarted", {}),
        ("release:shop:1.4.0", "RolledBack", {"took_s": TOOK_S}),
        ("release:shop:1.4.1", "Rehearsed", {**back, "number": 1}),
        ("release:shop:1.4.1", "CandidateCut", {"tag": "1.4.1-rc.1", "sha": last}),
        ("release:shop:1.4.1", "StepPassed", {"step": "approval"}),
        ("release:shop:1.4.1", "FreezeOverridden", {"person": "olli", "role": "release"}),
        ("release:shop:1.4.1", "ProductionStarted", {}),
        ("release:shop:1.4.0", "Superseded", {"by": "1.4.1"}),
        ("release:shop:1.4.1", "Closed", {"answers": 3, "asked": 3}),
    ]


def tell_ledger(world: World, told: list[tuple[str, str, Json]]) -> None:
    """Let the command say these events, that they verify, and that nothing is open."""
    lines = chained(told)
    export = "".join(f"{canonical(line)}\n" for line in lines)
    verified = {"ok": True, "events": len(lines), "head": lines[-1]["hash"], "problems": []}
    (world.said / "audit-export").write_text(f"0\n{export}")
    (world.said / "audit-verify").write_text(f"0\n{json.dumps(verified)}")
    settled: Json = {"differences": [], "unsettled": [], "mended": False}
    (world.said / "reconcile").write_text(f"0\n{json.dumps(settled)}")
