"""Writes the pages that are made from the rules in lifecycle/: `.venv/bin/python docs/generate.py`.

A test (tests/architecture/test_docs.py) fails while a page says something else than the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from lifecycle import events
from lifecycle.phases import FORBIDDEN_WHILE_HELD, TRANSITIONS, Phase
from lifecycle.workflow import FORWARD, REJECTABLE, RETURNS, CodeFact, Status, follow, may_move

HERE = Path(__file__).parent

NOTE = "<!-- Made by docs/generate.py from the rules in lifecycle/. Change those, then run it again. -->"

ABOUT_PHASES: Mapping[Phase, tuple[str, str]] = {
    Phase.PLANNED: ("The plan stands; its issues are developed.", "developers"),
    Phase.VERIFYING: (
        "A candidate is tagged; its pipeline runs and the gates judge it.",
        "GitLab, the gates",
    ),
    Phase.STAGING: ("The candidate is deployed to staging.", "GitLab"),
    Phase.SIGN_OFF: (
        "Staging serves the candidate; the steps of the policy are asked in order.",
        "QA, managers, client",
    ),
    Phase.REWORK: ("Something was returned or rejected; the next candidate is made.", "developers"),
    Phase.PRODUCTION: ("It is decided; the signed commit is deployed.", "GitLab"),
    Phase.WATCHING: ("Production serves it; probes and metrics are looked at, tick by tick.", "the watch"),
    Phase.ROLLING_BACK: ("Production goes back to the earlier version.", "GitLab"),
    Phase.ROLLED_BACK: ("Production serves the earlier version; the release is held.", "a manager"),
    Phase.FEEDBACK: ("The watch is over; whoever asked for something says whether it helped.", "requesters"),
    Phase.CLOSED: (
        "Done. A late answer is still kept, and while production serves it, it can be taken back.",
        "",
    ),
    Phase.ABANDONED: ("A person ended it.", ""),
    Phase.SUPERSEDED: ("It was rolled back, and its issues went out with another release.", ""),
}
"""What each phase means, and whose turn it is."""

ABOUT_STATUSES: Mapping[Status, str] = {
    Status.TO_DO: "asked for",
    Status.IN_PROGRESS: "being developed",
    Status.CODE_REVIEW: "its merge request is reviewed",
    Status.QA: "merged; waits for QA or is being tested",
    Status.WAITING_RELEASE: "signed by QA; goes out with its release",
    Status.RELEASED: "in production",
    Status.CLOSED: "done, or not wanted",
}


def release_phases() -> str:
    """The page about one release."""
    ends = _code(phase for phase in Phase if phase.terminal)
    held = _code((kind for kind in events.KINDS if kind in FORBIDDEN_WHILE_HELD), " and no ")
    return _page(
        "# The phases of one release",
        "A release is a list of facts, each told once and never changed. In every phase only some kinds of "
        "fact may follow; whatever is not on this page is refused. The facts are described in "
        "`lifecycle/events/`, the table is `TRANSITIONS` in `lifecycle/phases.py`, and this page is made "
        "from it.",
        "## The picture",
        _mermaid(_release_edges()),
        _not_drawn(),
        "## Ways through it",
        "\n".join(f"- **{name}**: {_walk(kinds)}." for name, kinds in _WAYS.items()),
        "A hotfix goes the same ways. It is cut from the tag in production, and the policy may ask it for "
        "fewer sign-offs.",
        "## Phase by phase",
        _table(("#", "phase", "what it means", "whose turn", "leads on", "leaves it there"), _phase_rows()),
        f"{ends} are ends: Conveyor does nothing more by itself. Nothing leads out of them but a "
        "rollback out of `Closed`.",
        "## While a release is held",
        "A hold is no phase. A held release stays where it is, and until a person resumes it there is no "
        f"{held}. What people decide stays possible: they may still sign, return and withdraw. What is on "
        "its way to or from production is not stopped half-way. `RolledBack` holds the release by itself: "
        "it goes forward again only after a person's `Resumed`.",
        "## What the table cannot say",
        _RULES,
        "## The whole table",
        "Rows are facts, columns are phases by their numbers above. `•` stays in its phase, `→ 4` leads to "
        "phase 4, an empty cell is refused.",
        _table(("fact", *map(str, range(1, len(Phase) + 1))), _matrix_rows()),
        "## The facts",
        _table(("fact", "what it says"), _fact_rows()),
    )


_CANDIDATE = ("CandidateCut", "CandidateVerified", "Staged")
_LIVE = ("ProductionStarted", "ProductionDeployed")
_END = ("WatchEnded", "Closed")
_WAYS: Mapping[str, Sequence[str]] = {
    "All goes well": (*_CANDIDATE, *_LIVE, *_END),
    "A candidate is rejected": ("CandidateCut", "CandidateRejected", *_CANDIDATE, *_LIVE, *_END),
    "QA returns an issue": (*_CANDIDATE, "Returned", *_CANDIDATE, *_LIVE, *_END),
    "Rolled back, and forward again": (
        *_CANDIDATE,
        *_LIVE,
        "RollbackStarted",
        "RolledBack",
        "Held",
        "Resumed",
        *_LIVE,
        *_END,
    ),
    "Rolled back, and mended by another release": (
        *_CANDIDATE,
        *_LIVE,
        "RollbackStarted",
        "RolledBack",
        "Superseded",
    ),
    "Given up": (*_CANDIDATE, "Returned", "Abandoned"),
}
"""The stories told most often, as facts; the table says which phases they lead through."""


def _walk(kinds: Sequence[str]) -> str:
    phase, passed = Phase.PLANNED, [str(Phase.PLANNED)]
    for kind in kinds:
        after = TRANSITIONS[phase, kind]
        if after is not phase:
            passed.append(after)
        elif kind == "Resumed":
            passed[-1] += " (held until a person resumes it)"
        phase = after
    return " → ".join(passed)


_RULES = """\
- A fact told again changes nothing: the first one counts, whichever door it came through.
- Candidates, attempts and holds are counted; a fact about another one than the present is refused.
- Staging, questions and production name the candidate's commit, in full, and no other.
- Only a question about the newest candidate that nobody returned can be signed or returned.
- A signature reaches the next candidate only by `SignOffCarried`, and only if the issue's own files are \
the same at both commits. What binds the candidate or the release as a whole is asked anew.
- A change of scope waits for its approvals alone: there is never a second one. Once it took effect, only \
what is asked under the new plan can be signed, and the next candidate may be the same commit again.
- A signature can be withdrawn until production has started; its signer may sign again in the next round.
- Answers whether it helped are counted by rounds; what somebody enters for a client never follows the \
client's own answer.
- `StepPassed` and `ProductionStarted` are told only when `lifecycle/signoff.py` finds nothing missing."""


def issue_workflow() -> str:
    """The page about one issue."""
    return _page(
        "# The statuses of one issue",
        "An issue goes forward one step at a time, and back only as drawn here. A team's own status names "
        "are mapped to these in the policy (`projects[].statuses`). The rule is `lifecycle/workflow.py`, and "
        "this page is made from it.",
        "## The picture",
        _mermaid(_issue_edges()),
        "## Status by status",
        _table(("status", "what it means", "may go to"), _status_rows()),
        "## What GitLab's news do to an issue",
        "Rows are where the issue stands, columns what is seen in GitLab; an empty cell leaves it there. An "
        "issue that is ahead is never dragged back, and one that a person moved since stays. How it is seen "
        "is in [Development under control](development-control.md).",
        _table(("status", *CodeFact), _follow_rows()),
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "release-phases.md": release_phases,
    "issue-workflow.md": issue_workflow,
}


def _release_edges() -> Iterator[tuple[str, str, str]]:
    yield "", Phase.PLANNED, "Planned"
    moves = {(before, after) for (before, _), after in TRANSITIONS.items() if before is not after}
    order = list(Phase)
    for before, after in sorted(moves, key=lambda move: (order.index(move[0]), order.index(move[1]))):
        kinds = [k for k in events.KINDS if TRANSITIONS.get((before, k)) is after and k != "Abandoned"]
        if kinds:
            yield before, after, ", ".join(kinds)
    for phase in Phase:
        if phase.terminal:
            yield phase, "", ""


def _not_drawn() -> str:
    leads = [phase for phase in Phase if (phase, "Abandoned") in TRANSITIONS]
    return f"Not drawn: `Abandoned`, by which a person ends a release that is {_code(leads, ' or ')}."


def _phase_rows() -> Iterator[Sequence[str]]:
    for number, phase in enumerate(Phase, 1):
        leads = [
            f"`{kind}` → {TRANSITIONS[phase, kind]}"
            for kind in events.KINDS
            if TRANSITIONS.get((phase, kind), phase) is not phase
        ]
        stays = [kind for kind in events.KINDS if TRANSITIONS.get((phase, kind)) is phase]
        meaning, turn = ABOUT_PHASES[phase]
        yield str(number), f"**{phase}**", meaning, turn, "<br>".join(leads), _code(stays)


def _matrix_rows() -> Iterator[Sequence[str]]:
    numbers = {phase: number for number, phase in enumerate(Phase, 1)}
    for kind in events.KINDS:
        row = [TRANSITIONS.get((phase, kind)) for phase in Phase]
        if any(row):
            cells = (
                "" if after is None else "•" if after is phase else f"→ {numbers[after]}"
                for phase, after in zip(Phase, row, strict=True)
            )
            yield f"`{kind}`", *cells


def _fact_rows() -> Iterator[Sequence[str]]:
    for model in get_args(get_args(events.ReleaseEvent)[0]):
        yield f"`{model.__name__}`", (model.__doc__ or "").strip().splitlines()[0]


def _issue_edges() -> Iterator[tuple[str, str, str]]:
    yield "", FORWARD[0], ""
    for before in FORWARD:
        for after in FORWARD:
            if may_move(before, after):
                yield before, after, _why(before, after)
    yield FORWARD[-1], "", ""


def _why(before: Status, after: Status) -> str:
    if (before, after) in RETURNS:
        return "rolled back" if before is Status.RELEASED else "returned"
    return "rejected" if before in REJECTABLE and after is Status.CLOSED else ""


def _status_rows() -> Iterator[Sequence[str]]:
    for status in FORWARD:
        may = [
            f"{after} ({why})" if (why := _why(status, after)) else after
            for after in FORWARD
            if may_move(status, after)
        ]
        yield f"**{status}**", ABOUT_STATUSES[status], ", ".join(may)


def _follow_rows() -> Iterator[Sequence[str]]:
    for status in FORWARD:
        implied = (follow(status, fact) for fact in CodeFact)
        yield f"**{status}**", *(f"→ {after}" if after else "" for after in implied)


def _mermaid(edges: Iterable[tuple[str, str, str]]) -> str:
    """A state diagram; "" is the point where it begins or ends."""
    drawn = list(edges)
    names = dict.fromkeys(name for before, after, _ in drawn for name in (before, after) if name)
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{name}" as {_alias(name)}' for name in names]
    lines += [
        f"    {_alias(before)} --> {_alias(after)}{f': {label}' if label else ''}"
        for before, after, label in drawn
    ]
    return "\n".join([*lines, "```"])


def _alias(name: str) -> str:
    return "".join(letter for letter in name.title() if letter.isalpha()) if name else "[*]"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([title, NOTE, *parts]) + "\n"


def main() -> None:
    """Write every page."""
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
