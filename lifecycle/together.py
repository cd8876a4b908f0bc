"""Releases of several projects that go out together: in the order of their dependencies, back in reverse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lifecycle.phases import Phase
from lifecycle.release import Release

_OUT = frozenset({Phase.WATCHING, Phase.FEEDBACK, Phase.CLOSED})
_IN_PRODUCTION = _OUT | {Phase.PRODUCTION, Phase.ROLLING_BACK}


def waits_for(depends_on: Sequence[str], mates: Iterable[Release]) -> Iterator[str]:
    """Why a release has to wait: its mates, of projects that its own depends on, go out first."""
    for mate in mates:
        if mate.plan.project in depends_on and mate.phase not in _OUT:
            yield f"{mate.plan.project} {mate.plan.version} goes out first and is {mate.phase.lower()}"


def back_first(
    release: Release, depends_on: Mapping[str, Sequence[str]], mates: Iterable[Release]
) -> tuple[Release, ...]:
    """The mates that have to leave production before `release` does: their projects depend on its own.

    One before which production served nothing cannot leave it. Whether production still serves one that is
    live since long is not known here.
    """
    project = release.plan.project
    return tuple(
        mate
        for mate in mates
        if project in depends_on.get(mate.plan.project, ())
        and mate.phase in _IN_PRODUCTION
        and mate.production
        and mate.production.previous_tag
    )
