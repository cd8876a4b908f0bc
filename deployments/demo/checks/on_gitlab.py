"""What GitLab shows: pipelines, deployments, releases, merge requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.on_git import commit_of
from deployments.demo.checks.outside import Json, Outside


def checks(facts: Facts) -> Iterator[Check]:
    """Every step once, in the right order, on the right commit."""
    refused, one, two = (facts.candidate(number) for number in (1, 2, 3))
    last = facts.hotfix_candidate
    staged = ("verify", "staging", "staging")
    steps = {refused: ("verify",), one: staged, two: staged, last: staged}
    steps |= {facts.release: ("production",), facts.hotfix: ("production",)}
    steps |= {facts.first: ("verify", "production", "production (rollback)", *["staging (rollback)"] * 3)}
    for ref, wanted in sorted(steps.items()):
        yield Check(f"gitlab.pipelines.{ref}", "GitLab", partial(_pipelines, ref=ref, wanted=wanted))
    yield Check("gitlab.operations", "GitLab", _operations)
    served = (facts.hotfix, facts.first, facts.release, facts.first)
    # Each came, went back and came again.
    tried = tuple(ref for tag in (last, two, one) for ref in (tag, facts.first, tag))
    for name, refs in (("production", served), ("staging", tried)):
        yield Check(f"gitlab.{name}", "GitLab", partial(_deployments, environment=name, wanted=refs))
    yield Check("gitlab.releases", "GitLab", _releases)
    for version, names in (
        (facts.release, ("gift", "search")),
        (facts.hotfix, ("gift", "search", "incident")),
    ):
        yield Check(f"gitlab.notes.{version}", "GitLab", partial(_notes, version=version, names=names))
    yield Check("gitlab.merged", "GitLab", _merged)
    yield Check("gitlab.taken-out", "GitLab", _taken_out)
    yield Check("gitlab.merged-back", "GitLab", _merged_back)
    yield Check("gitlab.freeze", "GitLab", _freeze)
    yield Check("gitlab.request-answered", "GitLab", _answered)


def _pipelines(outside: Outside, ref: str, wanted: tuple[str, ...]) -> Finding:
    """each step's pipeline once, and green"""
    sha = commit_of(outside, ref)
    seen: list[str] = []
    for pipeline in outside.gitlab("/pipelines", ref=ref):
        step = _step(variables(outside, pipeline))
        status = "" if pipeline["status"] == "success" else f" {pipeline['status']}"
        elsewhere = "" if pipeline["sha"] == sha else f" on {pipeline['sha'][:8]}"
        seen.append(f"{step}{status}{elsewhere}")
    return Finding(", ".join(sorted(wanted)), ", ".join(sorted(seen)))


def variables(outside: Outside, pipeline: Json) -> dict[str, str]:
    """What a pipeline was started with: its variables, or its inputs, which only its name shows."""
    given = {row["key"]: row["value"] for row in outside.gitlab(f"/pipelines/{pipeline['id']}/variables")}
    named = zip(("CONVEYOR_STEP", "CONVEYOR_OP"), (pipeline["name"] or "").split(), strict=False)
    return given or dict(named)


def _step(given: dict[str, str]) -> str:
    step = given.get("CONVEYOR_STEP", "no step")
    return f"{step} (rollback)" if given.get("CONVEYOR_ROLLBACK") == "true" else step


def _operations(outside: Outside) -> Finding:
    """no operation started two pipelines"""
    rows = [variables(outside, pipeline) for pipeline in outside.gitlab("/pipelines")]
    keys = Counter(given["CONVEYOR_OP"] for given in rows if given.get("CONVEYOR_OP"))
    twice = sorted(key for key, count in keys.items() if count > 1)
    expected = "16 operations, each with one pipeline"
    seen = f"{len(keys)} operations, each with one pipeline" if not twice else f"twice: {', '.join(twice)}"
    return Finding(expected, seen)


def _deployments(outside: Outside, environment: str, wanted: tuple[str, ...]) -> Finding:
    """the environment's deployments, newest first"""
    rows = outside.gitlab("/deployments", environment=environment, order_by="id", sort="desc")
    expected = [f"{ref} {commit_of(outside, ref)[:8]} success" for ref in wanted]
    seen = [f"{row['ref']} {row['sha'][:8]} {row['status']}" for row in rows]
    return Finding(", ".join(expected), ", ".join(seen))


def rehearsed(outside: Outside, tag: str) -> str:
    """How long the candidate's way back and forward again took on staging, as GitLab's clock has it.

    Raises:
        LookupError: it was not there, or did not go back.
    """
    rows = outside.gitlab("/deployments", environment="staging", order_by="id", sort="asc")
    came = next((number for number, row in enumerate(rows) if row["ref"] == tag), len(rows))
    ways = rows[came + 1 : came + 3]
    if len(ways) < 2 or ways[1]["ref"] != tag:
        raise LookupError(f"{tag} did not go back and forward on staging")
    back, forward = (_took_s(outside, row) for row in ways)
    return f"back to {ways[0]['ref']} in {back:.1f} s, forward in {forward:.1f} s"


def _took_s(outside: Outside, deployment: Json) -> float:
    """Seconds from the start of the deployment's pipeline to its end."""
    pipeline = outside.gitlab(f"/pipelines/{deployment['deployable']['pipeline']['id']}")
    ends = (pipeline["created_at"], deployment["finished_at"] or pipeline["finished_at"])
    began, ended = (datetime.fromisoformat(each.replace("Z", "+00:00")) for each in ends)
    return (ended - began).total_seconds()


def _releases(outside: Outside) -> Finding:
    """each version's GitLab release once"""
    facts = outside.facts
    seen = sorted(row["tag_name"] for row in outside.gitlab("/releases"))
    return Finding(f"{facts.release}, {facts.hotfix}", ", ".join(seen))


def _notes(outside: Outside, version: str, names: tuple[str, ...]) -> Finding:
    """release notes that name every issue once, with the title it was asked for by"""
    notes = outside.gitlab(f"/releases/{version}")["description"]
    keys = [outside.facts.keys[name] for name in names]
    wanted = [f"{key} {outside.issue(key)['fields']['summary']}" for key in keys]
    lines = [line[2:].replace("\\", "").strip() for line in notes.splitlines() if line[:2] in ("- ", "• ")]
    return Finding("; ".join(sorted(wanted)), "; ".join(sorted(lines)))


def _merged(outside: Outside) -> Finding:
    """the people's merge requests, all merged, each once"""
    keys, facts = outside.facts.keys, outside.facts
    branches = {"gift": "main", "search": "main", "sales": "main", "incident": f"release/{facts.hotfix}"}
    wanted = [f"{keys[name]} into {target}: merged" for name, target in branches.items()]
    wanted.append(f"{keys['search']} into release/{facts.release}: merged")
    seen = [
        f"{key} into {row['target_branch']}: {row['state']}"
        for row in outside.gitlab("/merge_requests", state="all")
        for key in keys.values()
        if row["source_branch"].startswith(f"{key}-")
    ]
    return Finding(", ".join(sorted(wanted)), ", ".join(sorted(seen)))


def _taken_out(outside: Outside) -> Finding:
    """one merge request took the refused issue's merge out of the release branch"""
    branch = f"release/{outside.facts.release}"
    seen = [
        f"{row['source_branch'].partition('-without-')[0]} into {branch}: {row['state']}"
        for row in outside.gitlab("/merge_requests", state="all", target_branch=branch)
        if row["source_branch"].startswith("conveyor/")
    ]
    return Finding(f"conveyor/{outside.facts.release} into {branch}: merged", ", ".join(seen) or "none")


def _merged_back(outside: Outside) -> Finding:
    """the release branches, merged back to main, each once; the first with what was taken out of it"""
    facts = outside.facts
    branches = (f"conveyor/back-{facts.release}", f"release/{facts.hotfix}")
    wanted = [f"{branch} into main: merged" for branch in branches]
    seen = [
        f"{row['source_branch']} into {row['target_branch']}: {row['state']}"
        for row in outside.gitlab("/merge_requests", state="all", target_branch="main")
        if row["source_branch"].startswith(("release/", "conveyor/"))
    ]
    return Finding(", ".join(wanted), ", ".join(sorted(seen)))


def _freeze(outside: Outside) -> Finding:
    """the freeze period that somebody set, and no other; it still stands"""
    zones = [row["cron_timezone"] for row in outside.gitlab("/freeze_periods")]
    return Finding("1 freeze period in UTC", f"{len(zones)} freeze period in {', '.join(zones) or 'no zone'}")


def _answered(outside: Outside) -> Finding:
    """the developer's GitLab issue answered once, with the Jira issue's key"""
    key, title = outside.facts.keys["search"], outside.facts.titles["search"]
    asked = [row for row in outside.gitlab("/issues") if row["title"] == title]
    notes = [
        note["body"]
        for row in asked
        for note in outside.gitlab(f"/issues/{row['iid']}/notes")
        if not note["system"]
    ]
    naming = sum(key in body for body in notes)
    return Finding(
        f"1 issue “{title}”, 1 answer, 1 naming {key}",
        f"{len(asked)} issue “{title}”, {len(notes)} answer, {naming} naming {key}",
    )


def finished_at(outside: Outside, environment: str, ref: str) -> datetime:
    """When the newest deployment of `ref` ended, aware.

    Raises:
        LookupError: there is none.
    """
    rows = outside.gitlab("/deployments", environment=environment, order_by="id", sort="desc")
    ends = [row["deployable"]["finished_at"] for row in rows if row["ref"] == ref]
    if not ends:
        raise LookupError(f"no deployment of {ref} to {environment}")
    return datetime.fromisoformat(ends[0].replace("Z", "+00:00"))
