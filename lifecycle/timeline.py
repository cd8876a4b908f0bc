"""A release's history as one Markdown page: for the artifact, and for whoever asks what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from lifecycle import events as e
from lifecycle.release import Release

_WORDS: Mapping[str, str] = {
    "ScopeChangeAsked": "{e.person} wants another scope ({e.changes}): {e.why}",
    "ScopeChangeApproved": "{e.person} approved the change of scope as {e.voice} (by {e.door})",
    "ScopeChangeRefused": "{e.by} refused the change of scope (by {e.door}): {e.reason}",
    "ScopeChanged": "the scope is changed",
    "CandidateAsked": "{e.person} asked for candidate {e.number}",
    "CandidateCut": "candidate `{e.tag}` cut at `{e.sha:.8}`{e.without}",
    "CandidateVerified": "pipeline and gates passed",
    "CandidateJudged": "the gates were judged again",
    "Staged": "staging serves the candidate",
    "Unstaged": "staging was taken over by {e.by}",
    "FreezeOverridden": "{e.person} let it out in a freeze as {e.role}: {e.reason}",
    "SignOffReminded": "{e.person} was reminded of {e.step}",
    "DeputyAsked": "{e.deputy} may sign {e.step} in place of {e.person}",
    "SignOffExpired": "the sign-off{about} was not given in time",
    "SignOffWithdrawn": "{e.person} took back having signed{about} as {e.role}",
    "SignOffCarried": "{e.step}: sign-off of {e.issue} kept from `{e.from_sha:.8}`",
    "StepOverridden": "{e.person} overrode {e.step} as {e.role} (by {e.door}): {e.reason}",
    "StepPassed": "{e.step} passed for candidate {e.number}",
    "Resumed": "{e.person} released the hold",
    "ProductionStarted": "production of `{e.tag}` decided",
    "ProductionDeployed": "production serves the release",
    "AlertRaised": "alert: {e.reason}",
    "AlertRecovered": "recovered: {e.cause}, {e.reason}",
    "AlertReceived": "Alertmanager: {e.name} is {e.status}",
    "WatchEnded": "the watch ended {e.verdict}",
    "NoReturnAccepted": "{e.person} accepted as {e.role} (by {e.door}) that it cannot come back: {e.reason}",
    "FeedbackAsked": "{e.person} was asked about {e.issue}",
    "FeedbackGiven": "{e.person} on {e.issue}: {e.answer}",
    "FeedbackReminded": "{e.person} was reminded of what they were asked",
    "FeedbackFollowed": "{e.issue} goes on with what was not solved",
    "Closed": "closed: {e.answers} of {e.asked} answered",
    "Abandoned": "{e.person} abandoned the release: {e.reason}",
    "Superseded": "the issues went out with {e.by}",
}
"""Kind -> what is said of the event `e`; those that need more than their fields are in `sentence`."""


def sentence(event: e.ReleaseEvent, release: Release | None = None) -> str:
    """One event in a person's words; given its release, a signature says what it is on."""
    match event:
        case e.Planned():
            return f"planned with {', '.join(event.issues)}"
        case e.SignOffGiven():
            voice = f"{event.role} for {event.instead_of}" if event.instead_of else event.role
            return f"{event.person} signed{_about(event, release)} as {voice} (by {event.door})" + _remark(
                event
            )
        case e.ReleaseTimed():
            when = (
                f"{event.at:%Y-%m-%d %H:%M} UTC ({event.wall})" if event.at else "as soon as it is approved"
            )
            return f"{event.person}: the release goes out {when}"
        case e.CandidateRejected():
            return f"candidate {event.number} rejected: {'; '.join(event.reasons)}"
        case e.Held():
            return (
                f"{event.person} held the release: {event.reason}"
                if event.person
                else f"held: {event.reason}"
            )
        case e.SignOffAsked():
            return f"{event.step}: sign-off of {event.issue or 'the release'} asked for"
        case e.Returned():
            return f"{event.person} returned {event.issue or 'the release'}: {event.reason}"
        case e.WatchTicked():
            return _tick(event)
        case e.Rehearsed() | e.RollbackStarted() | e.RolledBack():
            return _way_back(event)
        case _:
            return _WORDS[event.kind].format(e=event, about=_about(event, release)) + _remark(event)


def _tick(event: e.WatchTicked) -> str:
    """What was seen at one tick, what could not be read, and which ticks before it were missed."""
    bad = ", ".join(
        [*(seen.probe for seen in event.observations if not seen.ok), *(one.name for one in event.firing)]
    )
    lost = [f"{read.metric} was not read: {read.missing}" for read in event.readings if read.missing]
    first, last = event.tick - event.missed, event.tick - 1
    if event.missed:
        lost.append(f"tick {last} was missed" if first == last else f"ticks {first} to {last} were missed")
    return "; ".join((f"tick {event.tick}: {f'bad: {bad}' if bad else 'healthy'}", *lost))


def _way_back(event: e.Rehearsed | e.RollbackStarted | e.RolledBack) -> str:
    match event:
        case e.RollbackStarted():
            forced = f" (forced, although {'; '.join(event.unsafe)})" if event.unsafe else ""
            doing = "rolling" if event.person is None else f"{event.person} rolls it"
            return f"{doing} back to `{event.to_tag}`: {'; '.join(event.reasons)}{forced}"
        case e.RolledBack():
            took = "" if event.took_s is None else f", {event.took_s:.1f} s later"
            bad = ", ".join(seen.probe for seen in event.seen if not seen.ok)
            return f"production serves the earlier version again{took}{f'; still bad: {bad}' if bad else ''}"
        case _:
            return _rehearsed(event)


def _rehearsed(event: e.Rehearsed) -> str:
    if not event.ok:
        return f"candidate {event.number} cannot come back: {event.reason}"
    if event.back_s is None or event.forward_s is None:
        return f"nothing to rehearse: {event.reason}"
    return f"rehearsed: back to `{event.to_tag}` in {event.back_s:.1f} s, forward in {event.forward_s:.1f} s"


def _remark(event: e.ReleaseEvent) -> str:
    """What was said along with it, for events whose words leave it out."""
    match event:
        case e.SignOffGiven():
            said = event.comment
        case e.FeedbackGiven():
            score = f"{event.score} of 5" if event.score else ""
            by = f"entered by {event.entered_by}" if event.entered_by else ""
            said = "; ".join(part for part in (score, event.comment, by) if part)
        case e.SignOffWithdrawn() | e.Resumed() | e.CandidateAsked():
            said = event.reason
        case e.CandidateVerified() | e.CandidateJudged():
            excepted = (f"{gate} excepted" for gate in event.excepted)
            said = "; ".join([*event.reasons, *excepted])
        case e.WatchEnded():
            said = "; ".join(event.reasons)
        case _:
            said = ""
    return f": {said}" if said else ""


def _about(event: e.ReleaseEvent, release: Release | None) -> str:
    """Which issue a signature is on; nothing for other events, or where the question is not known."""
    ask = release.question(getattr(event, "request", "")) if release else None
    return f" {ask.issue or 'the release'}" if ask else ""


def _cell(text: str) -> str:
    """What people wrote, so that it stays in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def page(
    release: Release,
    history: Iterable[tuple[datetime, e.ReleaseEvent]],
    links: Mapping[str, str],
    waiting: str,
) -> str:
    """The whole page. `links` are shown by name in the order given; times are UTC."""
    plan = release.plan
    rows = [
        f"| {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} | {_cell(sentence(event, release))} |"
        for at, event in history
    ]
    issues = [f"- **{key}** {plan.titles.get(key, '')}".rstrip() for key in release.delivers]
    return "\n".join(
        [
            f"# {plan.project} {plan.version}: {release.phase}",
            *([f"*{waiting}*", ""] if waiting else [""]),
            " · ".join(f"[{name}]({url})" for name, url in links.items()),
            "",
            *issues,
            "",
            "| when (UTC) | what |",
            "| --- | --- |",
            *rows,
        ]
    )
