"""One project: its repository, its records, its webhooks, and what its CI may ask of it."""

from __future__ import annotations

import fnmatch
import queue
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from integrations.sandbox.gitlab import seeding, shapes
from integrations.sandbox.gitlab.ci_settings import Variable
from integrations.sandbox.gitlab.git import Repository
from integrations.sandbox.gitlab.host import CiEngine, Event
from integrations.sandbox.gitlab.state import (
    DEVELOPER,
    MAINTAINER,
    Fields,
    Hook,
    ProjectSeed,
    Protection,
    Records,
    now,
)

if TYPE_CHECKING:
    from integrations.sandbox.gitlab.instance import Instance

PipelineChange = tuple[int, str, str, str]


class Project:
    """Implements `CiHost`. `main` and `release/*` are protected (Maintainers push, Developers merge), and
    so are all tags (Maintainers create)."""

    def __init__(
        self, instance: Instance, number: int, seed: ProjectSeed, repository: Path, members: dict[int, int]
    ) -> None:
        self.instance = instance
        self.project_id = number
        self.path = seed.path
        self.name = seed.name
        self.default_branch = seed.default_branch
        self.members = members
        self.created = now()
        self.web_url = f"{instance.url}/{seed.path}"
        self.api_url = f"{instance.url}/api/v4"
        self.repository = repository
        self.git = Repository(repository)
        self.records = Records(instance.ids)
        self.triggers: dict[str, int] = {}
        self.ci: CiEngine | None = None
        self.records.variables = [
            Variable(key, value, seed.scopes.get(key, "*")) for key, value in seed.variables.items()
        ]
        self.on_pipeline: Callable[[int, str, str, str], None] = lambda _id, _sha, _ref, _status: None
        self._changes: queue.Queue[PipelineChange | None] = queue.Queue()
        self._watcher = threading.Thread(target=self._watch, name=f"gitlab:{seed.path}", daemon=True)
        self._watcher.start()
        for pattern in dict.fromkeys((self.default_branch, "release/*")):
            self.protect_branch(pattern, push=MAINTAINER, merge=DEVELOPER)
        self.protect_tags("*", create=MAINTAINER)
        seeding.plant(self.git, seed)

    # for the CI; none of these takes the lock

    def variables(self, environment: str = "") -> Mapping[str, str]:
        """See `CiHost`."""
        rows = sorted(self.records.variables, key=lambda it: len(it.scope) * (it.scope != "*"))
        return {
            it.key: it.value
            for it in rows
            if it.scope == "*" or (environment and fnmatch.fnmatchcase(environment, it.scope))
        }

    def resolve(self, ref: str) -> tuple[str, bool]:
        """See `CiHost`."""
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        refs = self.git.refs()
        is_tag = f"refs/tags/{name}" in refs and f"refs/heads/{name}" not in refs
        return self.git.resolve(name), is_tag

    def user(self, gitlab_id: int) -> Mapping[str, object]:
        """See `CiHost`."""
        return shapes.user(self.instance, gitlab_id)

    def commit(self, sha: str) -> Mapping[str, object]:
        """See `CiHost`."""
        return shapes.commit(self, self.git.commit(sha))

    def protected(self, ref: str) -> bool:
        """See `CiHost`."""
        _, is_tag = self.resolve(ref)
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        return (self.tag_rule(name) if is_tag else self.branch_rule(name)) is not None

    def emit(self, event: Event | str, payload: Mapping[str, object]) -> None:
        """See `CiHost`; also for the sandbox's own events (`state.EVENTS`)."""
        self.instance.post.emit(list(self.records.hooks.values()), event, payload)

    def pipeline_changed(self, pipeline_id: int, sha: str, ref: str, status: str) -> None:
        """See `CiHost`. Handled soon after, in the project's own thread."""
        self._changes.put((pipeline_id, sha, ref, status))

    def _watch(self) -> None:
        while (change := self._changes.get()) is not None:
            with self.instance.lock:
                self.on_pipeline(*change)

    def stop(self) -> None:
        """End the CI and the watching of it."""
        if self.ci is not None:
            self.ci.stop()
        self._changes.put(None)
        self._watcher.join(timeout=5)

    # rules

    def level(self, user_id: int) -> int:
        """The access level of a person here; 0: not a member."""
        return self.members.get(user_id, 0)

    def protect_branch(self, pattern: str, *, push: int, merge: int, allow_force: bool = False) -> Protection:
        """Protect the branches of this name or pattern."""
        rule = Protection(next(self.instance.ids), pattern, push, merge, allow_force)
        self.records.branch_rules[pattern] = rule
        return rule

    def protect_tags(self, pattern: str, *, create: int) -> Protection:
        """Protect the tags of this name or pattern."""
        rule = Protection(next(self.instance.ids), pattern, create)
        self.records.tag_rules[pattern] = rule
        return rule

    def branch_rule(self, branch: str) -> Protection | None:
        """The rule that protects `branch`; an exact name goes before a pattern."""
        return _rule(self.records.branch_rules, branch)

    def tag_rule(self, tag: str) -> Protection | None:
        """The rule that protects `tag`."""
        return _rule(self.records.tag_rules, tag)

    def label(self, name: str, color: str = "#6699cc", description: str | None = None) -> Fields:
        """The label of this name, made if it was not there."""
        fresh: Fields = {
            "name": name,
            "color": color or "#6699cc",
            "text_color": "#FFFFFF",
            "description": description,
            "description_html": description or "",
        }
        known = self.records.labels.get(name)
        if known is None:
            known = {"id": next(self.instance.ids), **fresh, "priority": None, "is_project_label": True}
            self.records.labels[name] = known
        return known

    def add_trigger(self, user_id: int) -> str:
        """A new pipeline trigger token; it acts as this person."""
        token = f"glptt-{secrets.token_hex(16)}"
        self.triggers[token] = user_id
        return token

    def add_hook(self, url: str, events: set[str], *, token: str = "", signing_token: str = "") -> Hook:
        """A new webhook for these of `EVENTS`."""
        hook = Hook(next(self.instance.ids), url, token, signing_token, events, now())
        self.records.hooks[hook.id] = hook
        return hook


def _rule(rules: Mapping[str, Protection], name: str) -> Protection | None:
    exact = rules.get(name)
    return exact or next((rule for rule in rules.values() if fnmatch.fnmatchcase(name, rule.pattern)), None)
