"""What the ledger shows to somebody who does not have to trust it: the command line's export, and its checks.

The export's format is public (a line is canonical JSON, chained by SHA-256), so the chain is also
recomputed here, by other code than Conveyor's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.on_git import commit_of
from deployments.demo.checks.outside import Failed, Json, Outside

REFUSED = "wide-charts 2.0.0 is under AGPL-3.0-only"
"""Why the gate of the licences refused the first candidate."""

EXPORT = ("audit", "export")
VERIFY = ("audit", "verify", "--json")
RECONCILE = ("reconcile", "--dry-run", "--json")
COMMANDS = (EXPORT, VERIFY, RECONCILE)
"""What is asked of `conveyor`."""


def checks(facts: Facts) -> Iterator[Check]:
    """The chain, the sign-offs in it, and that nothing is left open."""

    def row(name: str, look: partial[Finding]) -> Check:
        return Check(f"ledger.{name}", "ledger", look)

    yield row("verified", partial(_verified))
    yield row("chain", partial(_chain))
    yield row("carried", partial(_carried))
    yield row("candidates", partial(_candidates))
    yield row("rejected", partial(_rejected))
    yield row("taken-out", partial(_taken_out))
    yield row("rehearsed", partial(_rehearsed))
    yield row("locked", partial(_locked))
    yield row("unfrozen", partial(_unfrozen))
    yield row(f"end.{facts.release}", partial(_end, version=facts.release, kind="Superseded"))
    yield row(f"end.{facts.hotfix}", partial(_end, version=facts.hotfix, kind="Closed"))
    yield row("settled", partial(_settled))


def _said(outside: Outside, *arguments: str) -> str:
    done = outside.conveyor(*arguments)
    if done.code not in (0, 1) or not done.out:
        raise Failed(f"conveyor {' '.join(arguments)} ended with {done.code}: {done.err.strip()[-300:]}")
    return done.out


def exported(outside: Outside) -> list[Json]:
    """Every event, in the order of the chain."""
    return [json.loads(line) for line in _said(outside, *EXPORT).splitlines()]


def facts_of_release(outside: Outside, version: str, kind: str) -> list[Json]:
    """The payloads of one kind in one release."""
    subject = f"release:{outside.facts.product.lower()}:{version}"
    return [
        event["data"]["payload"]
        for event in exported(outside)
        if event["kind"] == kind and event["data"]["subject"] == subject
    ]


def _verified(outside: Outside) -> Finding:
    """`conveyor audit verify` finds nothing wrong"""
    said = json.loads(_said(outside, *VERIFY))
    count = len(exported(outside))
    problems = f"; {'; '.join(said['problems'])}" if said["problems"] else ""
    seen = f"{said['events']} events {'verify' if said['ok'] else 'do not verify'}{problems}"
    return Finding(f"{count} events verify", seen, ok=said["ok"] and said["events"] == count > 0)


def _chain(outside: Outside) -> Finding:
    """every line of the export follows from the one before, recomputed here"""
    head, broken = "0" * 64, []
    lines = _said(outside, *EXPORT).splitlines()
    for number, line in enumerate(lines, 1):
        event = json.loads(line)
        content = {name: value for name, value in event.items() if name != "hash"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        if hashlib.sha256((head + text).encode()).hexdigest() != event["hash"] or event["prev"] != head:
            broken.append(str(number))
        head = event["hash"]
    told = json.loads(_said(outside, *VERIFY))["head"]
    seen = f"head {head[:12]}" + (f", broken at {', '.join(broken)}" if broken else "")
    return Finding(f"head {told[:12]}", seen)


def _carried(outside: Outside) -> Finding:
    """one sign-off carried to candidate 3, for equal digests"""
    facts = outside.facts
    one, two = (commit_of(outside, facts.candidate(number))[:8] for number in (2, 3))
    seen = [
        f"{fact['issue']} {fact['from_sha'][:8]} to {fact['to_sha'][:8]}, digests "
        + ("equal" if fact["from_digest"] == fact["to_digest"] else "differ")
        for fact in facts_of_release(outside, facts.release, "SignOffCarried")
    ]
    return Finding(f"{facts.keys['gift']} {one} to {two}, digests equal", "; ".join(seen) or "none")


def _candidates(outside: Outside) -> Finding:
    """the candidates on record are the tags in git"""
    facts = outside.facts
    tags = (*(facts.candidate(number) for number in (1, 2, 3)), facts.hotfix_candidate)
    wanted = [f"{tag} {commit_of(outside, tag)[:8]}" for tag in tags]
    seen = [
        f"{fact['tag']} {fact['sha'][:8]}"
        for version in (facts.release, facts.hotfix)
        for fact in facts_of_release(outside, version, "CandidateCut")
    ]
    return Finding(", ".join(wanted), ", ".join(seen))


def _rejected(outside: Outside) -> Finding:
    """the first candidate, and no other, was rejected, for the one reason"""
    facts = outside.facts
    seen = [
        f"candidate {fact['number']}: {'; '.join(fact['reasons'])}"
        for version in (facts.release, facts.hotfix)
        for fact in facts_of_release(outside, version, "CandidateRejected")
    ]
    return Finding(f"candidate 1: {REFUSED}", ", ".join(seen) or "none")


def _taken_out(outside: Outside) -> Finding:
    """one change of scope: asked for, approved by both roles, in effect"""
    facts = outside.facts
    asked, approved, changed = (
        facts_of_release(outside, facts.release, f"ScopeChange{step}") for step in ("Asked", "Approved", "d")
    )
    seen = [f"{', '.join(fact['remove'])} out, asked by {fact['person']}" for fact in asked]
    seen += sorted(f"approved by {fact['person']}" for fact in approved)
    seen += [f"left {', '.join(sorted(fact['issues']))}" for fact in changed]
    left = sorted(facts.keys[name] for name in ("gift", "search"))
    wanted = [f"{facts.keys['sales']} out, asked by olli", "approved by mara", "approved by olli"]
    return Finding("; ".join([*wanted, f"left {', '.join(left)}"]), "; ".join(seen) or "none")


def _rehearsed(outside: Outside) -> Finding:
    """every candidate that came to staging came back from there, to the version in production"""
    facts = outside.facts
    asked = ((facts.release, 2), (facts.release, 3), (facts.hotfix, 1))
    seen = [
        f"{version} candidate {fact['number']} to {fact['to_tag']} {'well' if fact['ok'] else 'badly'}"
        for version in (facts.release, facts.hotfix)
        for fact in facts_of_release(outside, version, "Rehearsed")
    ]
    wanted = [f"{version} candidate {number} to {facts.first} well" for version, number in asked]
    return Finding(", ".join(wanted), ", ".join(seen) or "none")


def _locked(outside: Outside) -> Finding:
    """production was locked; approved, the release went out once it was unlocked, and not before"""
    facts = outside.facts
    wanted = (f"Locked by olli: {facts.lock_reason}", "approved", "Unlocked by olli", "ProductionStarted")
    return Finding(" → ".join(wanted), " → ".join(_way_out(outside, facts.release)))


def _unfrozen(outside: Outside) -> Finding:
    """the approved hotfix went out once somebody of that role let it, and not before"""
    seen = _way_out(outside, outside.facts.hotfix)
    wanted = ("approved", "FreezeOverridden by olli as release", "ProductionStarted")
    return Finding(" → ".join(wanted), " → ".join(seen))


def _way_out(outside: Outside, version: str) -> list[str]:
    """What kept the approved release from production, and what let it out, in order."""
    product = outside.facts.product.lower()
    lane = f"environment:{product}:production"
    seen: list[str] = []
    for event in exported(outside):
        kind, fact, subject = event["kind"], event["data"]["payload"], event["data"]["subject"]
        if subject == lane and kind in ("Locked", "Unlocked") and version == outside.facts.release:
            seen.append(f"{kind} by {fact['person']}" + (f": {fact['reason']}" if kind == "Locked" else ""))
        elif subject != f"release:{product}:{version}":
            continue
        elif kind == "StepPassed" and fact["step"] == "approval":
            seen.append("approved")
        elif kind == "FreezeOverridden":
            seen.append(f"{kind} by {fact['person']} as {fact['role']}")
        elif kind == "ProductionStarted":
            seen.append(kind)
    return seen


def _end(outside: Outside, version: str, kind: str) -> Finding:
    """the release's end, once, and the last thing on record of it"""
    subject = f"release:{outside.facts.product.lower()}:{version}"
    kinds = [event["kind"] for event in exported(outside) if event["data"]["subject"] == subject]
    return Finding(f"last {kind}, once", f"last {kinds[-1]}, {_times(kinds.count(kinds[-1]))}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _settled(outside: Outside) -> Finding:
    """no effect is left half done, and nothing outside differs from the ledger"""
    said = json.loads(_said(outside, *RECONCILE))
    left = [*(str(each) for each in said["unsettled"]), *(each["text"] for each in said["differences"])]
    return Finding(
        "nothing unsettled, nothing differs", "; ".join(left) or "nothing unsettled, nothing differs"
    )
