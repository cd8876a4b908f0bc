"""What people see in Slack: each message once, and in the end telling how it went."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.on_gitlab import rehearsed
from deployments.demo.checks.on_ledger import REFUSED as WHY_REJECTED
from deployments.demo.checks.on_ledger import facts_of_release
from deployments.demo.checks.outside import READER, Json, Outside

RELEASES, PLANNING = "releases", "planning"

REFUSED = "Not signed: you wrote part of candidate 3"

ASKED = {"gerd": "gift", "dora": "search"}
"""Who was asked in Slack about which issue."""

ANSWERS = (("gift", "solved"), ("gift", "solved"), ("search", "partly"))
"""What was answered, the client's answer by link included."""


class SignOff(NamedTuple):
    """One sign-off message: its row's name, its title, and each of its questions' ends by the issue."""

    name: str
    title: str
    ends: tuple[tuple[str, str, str], ...]


def sign_offs(facts: Facts) -> tuple[SignOff, ...]:
    """Every sign-off of the story. An end is (issue or "", what was done, by whom)."""
    one, two, last = (
        f"{facts.product} {tag}" for tag in (facts.candidate(2), facts.candidate(3), facts.hotfix_candidate)
    )
    gift, search, incident = (facts.keys[name] for name in ("gift", "search", "incident"))
    by_quinn = ("signed", "quinn")
    return (
        SignOff("qa.rc-2", f"QA: {one}", ((gift, *by_quinn), (search, "returned", "quinn"))),
        SignOff("qa.rc-3", f"QA: {two}", ((gift, *by_quinn), (search, *by_quinn))),
        SignOff("manager", f"Manager's check of staging: {two}", (("", "signed", "mara"),)),
        SignOff("client", f"The client's consent: {two}", (("", "signed", "clara"),)),
        SignOff("management", f"Management's approval: {two}", (("", "signed", "gerd"),)),
        SignOff("qa.hotfix", f"QA: {last}", tuple((key, *by_quinn) for key in (gift, search, incident))),
        SignOff("management.hotfix", f"Management's approval: {last}", (("", "signed", "gerd"),)),
    )


def checks(facts: Facts) -> Iterator[Check]:
    """Sign-offs, news, the review, feedback; nobody asked twice."""

    def row(name: str, look: partial[Finding]) -> Check:
        return Check(f"slack.{name}", "Slack", look)

    for each in sign_offs(facts):
        yield row(f"sign-off.{each.name}", partial(_signed, sign_off=each))
    yield row("rejected", partial(_rejected))
    for tag in (facts.candidate(3), facts.hotfix_candidate):
        yield row(f"rehearsed.{tag}", partial(_rehearsed, tag=tag))
    yield row("roll-back-button", partial(_roll_back_button))
    yield row("sign-off.no-other", partial(_no_other))
    yield row("sign-off.kept", partial(_kept))
    yield row("author-refused", partial(_refused))
    for name, text in _news(facts).items():
        yield row(name, partial(_once, text=text))
    yield row("review", partial(_review))
    yield row("merged", partial(_merged))
    yield row("client-link", partial(_client_link))
    for slug, name in ASKED.items():
        yield row(f"feedback.{slug}", partial(_feedback, slug=slug, name=name))
    yield row("answers", partial(_answers))
    yield row("nothing-twice", partial(_nothing_twice))


def _news(facts: Facts) -> dict[str, str]:
    release, hotfix = f"{facts.product} {facts.release}", f"{facts.product} {facts.hotfix} (hotfix)"
    return {
        "taken-out": f"Scope of {release} changed",
        "locked": f"{facts.product}: production is locked",
        "unfrozen": f"{hotfix} may go out in a freeze",
        f"live.{facts.release}": f"{release} is live",
        "rolled-back": f"{release} was rolled back to {facts.first}",
        f"live.{facts.hotfix}": f"{hotfix} is live",
        "healthy": f"{hotfix}: the watch ended healthy",
        "closed": f"{hotfix} is closed",
        f"card.{facts.release}": f"{release}: Superseded",
        f"card.{facts.hotfix}": f"{hotfix}: Closed",
    }


def words(message: Json) -> str:
    """Everything that a message says, a line for each part."""
    said = [str(message.get("text", ""))]
    for block in message.get("blocks") or []:
        parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        said += [
            part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
        ]
    return "\n".join(said)


def _sections(message: Json) -> list[str]:
    return [block["text"]["text"] for block in message.get("blocks") or [] if block["type"] == "section"]


def _titled(outside: Outside, channel: str, text: str) -> list[Json]:
    return [message for message in outside.history(channel) if message["text"] == text]


def _signed(outside: Outside, sign_off: SignOff) -> Finding:
    """the message once, with a name under every question"""
    found = _titled(outside, RELEASES, sign_off.title)
    wanted = [
        f"{issue} {done} by {outside.facts.people[who].name}".strip() for issue, done, who in sign_off.ends
    ]
    seen = [
        end
        for message in found
        for section in _sections(message)
        for end in _ends(outside, section, [issue for issue, _, _ in sign_off.ends])
    ]
    return Finding(
        f"1 message: {', '.join(wanted)}", f"{len(found)} message: {', '.join(seen) or 'no names'}"
    )


def _ends(outside: Outside, section: str, issues: list[str]) -> Iterator[str]:
    """How a question ended, as its section says: `SHOP-3 signed by Quinn (QA)`."""
    first, _, state = section.partition("\n")
    issue = next((key for key in issues if key and f"*{key}*" in first), "")
    for done in ("signed", "returned"):
        for person in outside.facts.people.values():
            if f"{done} by {person.name}" in state:
                yield f"{issue} {done} by {person.name}".strip()


def _no_other(outside: Outside) -> Finding:
    """no sign-off asked for but those of the story"""
    titles = sorted(each.title for each in sign_offs(outside.facts))
    steps = {title.partition(":")[0] for title in titles}
    seen = sorted(
        message["text"] for message in outside.history(RELEASES) if message["text"].partition(":")[0] in steps
    )
    return Finding("; ".join(titles), "; ".join(seen))


def _rejected(outside: Outside) -> Finding:
    """the rejection once, with the gate's reason and the way to the job that showed it"""
    tag = outside.facts.candidate(1)
    jobs = [
        job["web_url"]
        for pipeline in outside.gitlab("/pipelines", ref=tag)
        for job in outside.gitlab(f"/pipelines/{pipeline['id']}/jobs")
        if job["name"] == "scan"
    ]
    found = _titled(outside, RELEASES, f"{tag} was rejected")
    seen = [line for message in found for line in words(message).splitlines() if line.startswith("• ")]
    wanted = "".join(f"• {WHY_REJECTED} (<{url}|evidence>)" for url in dict.fromkeys(jobs))
    return Finding(f"1 message: {wanted or 'a job'}", f"{len(found)} message: {'; '.join(seen)}")


def _rehearsed(outside: Outside, tag: str) -> Finding:
    """QA was told how long the way back and forward took, as GitLab has it"""
    asked = _titled(outside, RELEASES, f"QA: {outside.facts.product} {tag}")
    told = [line for message in asked for line in words(message).splitlines()]
    seen = [line.removeprefix("Rehearsed: ").rstrip(".") for line in told if line.startswith("Rehearsed: ")]
    return Finding(rehearsed(outside, tag), "; ".join(seen).replace("`", "") or "not rehearsed")


def _roll_back_button(outside: Outside) -> Finding:
    """what the button says before it takes production back: the times of the rehearsal and of the rollback"""
    facts = outside.facts
    tried = rehearsed(outside, facts.hotfix_candidate).partition(",")[0].partition(" in ")[2]
    took = [fact["took_s"] for fact in facts_of_release(outside, facts.release, "RolledBack")]
    seen = [
        str(element["confirm"]["text"]["text"])
        for message in _titled(outside, RELEASES, f"{facts.product} {facts.hotfix} (hotfix) is live")
        for block in message.get("blocks") or []
        for element in block.get("elements", [])
        if element.get("action_id") == "release.rollback"
    ]
    times = [re.findall(r"(?:in|took) (\d+\.\d s)", said) for said in seen]
    wanted = ", ".join((tried, *(f"{each:.1f} s" for each in took)))
    return Finding(f"1 button: {wanted}", f"{len(seen)} button: {'; '.join(map(', '.join, times))}")


def _kept(outside: Outside) -> Finding:
    """the sign-off of the untouched issue was kept for candidate 3, that of the other one was not"""
    facts = outside.facts
    title = f"QA: {facts.product} {facts.candidate(3)}"
    kept = [
        name
        for message in _titled(outside, RELEASES, title)
        for section in _sections(message)
        for name in ("gift", "search")
        if f"*{facts.keys[name]}*" in section and "its files are unchanged" in section
    ]
    return Finding(
        f"kept: {facts.keys['gift']}", f"kept: {', '.join(facts.keys[name] for name in kept) or 'none'}"
    )


def _refused(outside: Outside) -> Finding:
    """the author's refusal, once, seen by nobody else, and not kept by Slack"""
    seen = [
        f"{slug} {'privately' if message['ephemeral'] else 'for all to see'}"
        for slug in _in_slack(outside)
        for channel in outside.inbox(slug)["channels"]
        for message in channel["messages"]
        if REFUSED in words(message)
    ]
    seen += ["kept by Slack" for message in outside.history(RELEASES) if REFUSED in words(message)]
    return Finding("dora privately", ", ".join(seen) or "nobody")


def _in_slack(outside: Outside) -> list[str]:
    return [slug for slug in outside.facts.people if slug not in ("bot", "clara")]


def _once(outside: Outside, text: str) -> Finding:
    """one message of that text"""
    return Finding(f"1 × {text}", f"{len(_titled(outside, RELEASES, text))} × {text}")


def _review(outside: Outside) -> Finding:
    """the review's message once, in the end saying who closed it and what starts"""
    facts = outside.facts
    found = [m for m in outside.history(PLANNING) if m["text"].startswith("Weekly review")]
    ending = f"closed by {facts.people['olli'].name}: release {facts.release} starts"
    seen = [
        f"{'edited' if message.get('edited') else 'never edited'}, "
        f"{ending if ending in words(message) else 'not closed'}, {_buttons(message)} buttons"
        for message in found
    ]
    return Finding(f"1 message: edited, {ending}, 0 buttons", f"{len(found)} message: {'; '.join(seen)}")


def _buttons(message: Json) -> int:
    return sum(
        element["type"] == "button"
        for block in message.get("blocks") or []
        for element in block.get("elements", [])
    )


def _merged(outside: Outside) -> Finding:
    """the duplicate's message says into what it was merged and by whom"""
    keys, people = outside.facts.keys, outside.facts.people
    found = [m for m in outside.history(PLANNING) if m["text"].startswith(f"New request {keys['again']}:")]
    said = [
        f"merged into {keys['gift']} by {people['mara'].name}"
        for message in found
        for section in _sections(message)
        if "merged into" in section and f"|{keys['gift']}>" in section and people["mara"].name in section
    ]
    wanted = f"merged into {keys['gift']} by {people['mara'].name}"
    return Finding(f"1 message: {wanted}", f"{len(found)} message: {'; '.join(said) or 'not merged'}")


def _direct(outside: Outside, slug: str) -> list[Json]:
    channels = outside.inbox(slug)["channels"]
    return [message for channel in channels if channel["is_im"] for message in channel["messages"]]


def _client_link(outside: Outside) -> Finding:
    """the client's link handed to the one manager, once, and to nobody in a channel"""
    name = outside.facts.people["clara"].name
    seen = [
        f"{slug}: {name}"
        for slug in _in_slack(outside)
        for message in _direct(outside, slug)
        if "/decide/" in words(message) and name in words(message)
    ]
    for channel in (RELEASES, PLANNING):
        seen += [f"#{channel}" for message in outside.history(channel) if "/decide/" in words(message)]
    return Finding(f"mara: {name}", ", ".join(seen) or "nobody")


def _feedback(outside: Outside, slug: str, name: str) -> Finding:
    """asked once whether the issue helped, and about nothing else"""
    title = outside.facts.titles[name]
    seen = [m["text"] for m in _direct(outside, slug) if m["text"].startswith("Did ")]
    return Finding(f"Did {title} help?", "; ".join(seen) or "not asked")


def _answers(outside: Outside) -> Finding:
    """every answer once in the news of the closing, and none that nobody gave"""
    facts = outside.facts
    text = f"{facts.product} {facts.hotfix} (hotfix) is closed"
    lines = [line for message in _titled(outside, RELEASES, text) for line in words(message).splitlines()]
    seen = [line.removeprefix("• ").partition(" (")[0] for line in lines if line.startswith("• ")]
    wanted = [f"{facts.keys[name]}: {answer}" for name, answer in ANSWERS]
    return Finding(", ".join(sorted(wanted)), ", ".join(sorted(seen)) or "no answer")


def _nothing_twice(outside: Outside) -> Finding:
    """no message of Conveyor stands twice in any conversation"""
    told: Counter[tuple[str, str, str]] = Counter()
    for channel in (RELEASES, PLANNING):
        told.update((f"#{channel}", _what(m), m["text"]) for m in outside.history(channel) if m.get("bot_id"))
    for slug in (READER, *(s for s in _in_slack(outside) if s != READER)):
        told.update((slug, _what(m), m["text"]) for m in _direct(outside, slug) if m.get("bot_id"))
    twice = [f"{where}: {text}" for (where, _, text), count in told.items() if count > 1]
    return Finding("nothing twice", "; ".join(twice) or ("nothing twice" if told else "no message at all"))


def _what(message: Json) -> str:
    """What the message is about, as its metadata says; a text may be the same for two issues."""
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    return str(payload.get("op_key", ""))
