"""Breaking one effect of the ended story, and putting the world back together afterwards.

A break is a function that changes the world as somebody could; `breaks` names the rows that must turn red.
"""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import httpx

from deployments.demo.checks import Outside, Row, check_all
from integrations.sandbox.gitlab.ci.engine import Ci
from integrations.sandbox.gitlab.ci.store import Store
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.http import LOOPBACK
from tests.demo.world import World

Act = Callable[[World], None]


class Break(NamedTuple):
    """What is broken, and the ids of the rows that say so."""

    act: Act
    red: frozenset[str]

    @property
    def what(self) -> str:
        """In words."""
        return self.act.__name__.replace("_", " ").strip()

    @property
    def touches(self) -> frozenset[str]:
        """The kinds of reading (see `Outside.once`) that it can change; empty: all."""
        return _TOUCHES.get(self.act.__module__.rpartition(".")[2], frozenset())


_TOUCHES = {
    "breaks_jira": frozenset({"jira"}),
    "breaks_slack": frozenset({"inbox", "history"}),
    "breaks_runs": frozenset({"prefect", "states", "conveyor"}),
}
"""What is broken in one of these systems cannot show in another; code and deployments show everywhere."""


BREAKS: list[Break] = []


def breaks(*red: str) -> Callable[[Act], Act]:
    """Register an act that must turn exactly these rows red."""

    def register(act: Act) -> Act:
        BREAKS.append(Break(act, frozenset(red)))
        return act

    return register


def named(act: Act, name: str) -> Act:
    """The act under another name, for those that are made in a loop."""
    act.__name__ = name
    return act


def project(world: World) -> Project:
    """The sandbox's own record of the shop's GitLab project."""
    return world.gitlab.instance.project("shop/shop")


def store(world: World) -> Store:
    """The state of its CI."""
    return cast("Ci", project(world).ci).store


def look(world: World, broken: Break, before: Outside) -> list[Row]:
    """Look at the broken world; what the break cannot touch is taken as it was read `before`."""
    with Outside(world.facts) as outside:
        if broken.touches:
            kept = {key: value for key, value in before._known.items() if key[0] not in broken.touches}
            outside._known.update(kept)
        return check_all(outside)


@contextmanager
def whole_again(world: World) -> Iterator[None]:
    """Whatever is done to the vendors in here is undone."""
    undo = [_shop(world), _gitlab(world), _jira(world), _slack(world), _prefect(world), _ledger(world)]
    try:
        yield
    finally:
        for each in undo:
            each()


def _shop(world: World) -> Callable[[], None]:
    served = {world.facts.production_url: "1.4.1", world.facts.staging_url: "1.4.1-rc.1"}
    steps = {world.facts.production_url: "production", world.facts.staging_url: "staging"}

    def undo() -> None:
        for url, ref in served.items():
            if httpx.get(f"{url}/healthz", **LOOPBACK).json()["version"] != ref:
                world.step(ref, steps[url])

    return undo


def _gitlab(world: World) -> Callable[[], None]:
    refs = _refs(world)
    records, ci = project(world).records, store(world)
    names = ("merge_requests", "issues", "releases", "freezes")
    kept = copy.deepcopy({name: getattr(records, name) for name in names})
    rows = {name: dict(getattr(ci, name)) for name in ("pipelines", "jobs", "deployments")}
    pipelines = [(row, row.status, dict(row.variables), row.sha) for row in ci.pipelines.values()]
    deployments = [(row, row.status) for row in ci.deployments.values()]

    def undo() -> None:
        _restore(world, refs)
        for name in names:
            setattr(records, name, kept[name])
        for name, known in rows.items():
            setattr(ci, name, known)
        for row, status, variables, sha in pipelines:
            row.status, row.variables, row.sha = status, variables, sha
        for row, status in deployments:
            row.status = status

    return undo


def _refs(world: World) -> dict[str, str]:
    lines = _bare(world, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def _restore(world: World, wanted: dict[str, str]) -> None:
    present = _refs(world)
    changes = [f"update {name} {sha}" for name, sha in wanted.items() if present.get(name) != sha]
    changes += [f"delete {name}" for name in present if name not in wanted]
    if changes:
        _bare(world, "update-ref", "--stdin", text="\n".join(changes) + "\n")


def _bare(world: World, *arguments: str, text: str = "") -> str:
    command = ["git", "-C", str(project(world).repository), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def point(world: World, ref: str, at: str) -> None:
    """Let a branch or tag stand on another commit, whoever may."""
    _bare(world, "update-ref", ref, world.sha(at))


def _jira(world: World) -> Callable[[], None]:
    kept: dict[str, Any] = copy.deepcopy(world.jira.state.kept())
    return lambda: world.jira.state.restore(kept)


def _slack(world: World) -> Callable[[], None]:
    workspace = world.slack._workspace
    channels = copy.deepcopy(workspace.channels)

    def undo() -> None:
        workspace.channels = channels

    return undo


def _prefect(world: World) -> Callable[[], None]:
    kept = copy.deepcopy((world.prefect.rows, world.prefect.states))

    def undo() -> None:
        world.prefect.rows, world.prefect.states = kept

    return undo


def _ledger(world: World) -> Callable[[], None]:
    texts = {path: path.read_text() for path in world.said.iterdir()}

    def undo() -> None:
        for path, text in texts.items():
            path.write_text(text)

    return undo
