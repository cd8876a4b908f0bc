"""What GitLab's webhooks say, as frozen values: hints on which to read the object itself.

Fields that not every version sends have a default. `actor_id` is the GitLab user who did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

from integrations.gitlab.wire import Flag, OptionalTime, Text, Wire

NO_COMMIT = "0" * 40


def _titles(value: object) -> object:
    return tuple(each["title"] for each in _dicts(value) if "title" in each)


def _by_key(value: object) -> object:
    return {each["key"]: str(each.get("value") or "") for each in _dicts(value) if "key" in each}


def _dicts(value: object) -> list[dict[str, Any]]:
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", each) for each in rows if isinstance(each, dict)]


def _names(value: object) -> object:
    return frozenset(cast("dict[str, object]", value)) if isinstance(value, dict) else frozenset[str]()


Labels = Annotated[tuple[str, ...], BeforeValidator(_titles)]
Variables = Annotated[Mapping[str, str], BeforeValidator(_by_key)]


def _of(*names: str, default: Any = None) -> Any:
    """Read from `object_attributes`, under the first of these names."""
    paths = [AliasPath("object_attributes", name) for name in names]
    return Field(default=default, validation_alias=AliasChoices(*paths))


def _must(*path: str) -> Any:
    return Field(validation_alias=AliasPath(path[0], *path[1:]))


class Event(Wire):
    """What all events have."""

    project_id: int | None = Field(
        default=None, validation_alias=AliasChoices(AliasPath("project", "id"), "project_id")
    )
    actor_id: int | None = Field(
        default=None, validation_alias=AliasChoices(AliasPath("user", "id"), "user_id")
    )


class PushEvent(Event):
    """Commits came to a branch, or it was made or deleted. `after` is its new head."""

    kind: Literal["push"] = "push"
    ref: str
    before: Text = ""
    after: Text = ""
    commit_count: int = Field(default=0, validation_alias="total_commits_count")

    @property
    def branch(self) -> str:
        """The branch's name."""
        return self.ref.removeprefix("refs/heads/")

    @property
    def deleted(self) -> bool:
        """Whether the branch is gone."""
        return self.after == NO_COMMIT


class TagEvent(Event):
    """A tag was made or deleted. `sha` is the commit's; `after` may be the annotated tag's own id."""

    kind: Literal["tag_push"] = "tag_push"
    ref: str
    before: Text = ""
    after: Text = ""
    sha: Text = Field(default="", validation_alias="checkout_sha")
    message: Text = ""

    @property
    def tag(self) -> str:
        """The tag's name."""
        return self.ref.removeprefix("refs/tags/")

    @property
    def deleted(self) -> bool:
        """Whether the tag is gone."""
        return self.after == NO_COMMIT


class MergeRequestEvent(Event):
    """Something happened to a merge request.

    `action` is open, close, reopen, update, approved, unapproved, merge, ...; an update with `oldrev`
    brought new commits. `changes` are the names of what is another now: draft, reviewers, title, ...
    """

    kind: Literal["merge_request"] = "merge_request"
    iid: int = _must("object_attributes", "iid")
    action: Text = _of("action", default="")
    state: Text = _of("state", default="")
    draft: Flag = _of("draft", "work_in_progress", default=False)
    source_branch: Text = _of("source_branch", default="")
    target_branch: Text = _of("target_branch", default="")
    title: Text = _of("title", default="")
    description: Text = _of("description", default="")
    author_id: int | None = _of("author_id")
    last_commit_sha: str | None = Field(
        default=None, validation_alias=AliasPath("object_attributes", "last_commit", "id")
    )
    merge_commit_sha: str | None = _of("merge_commit_sha")
    oldrev: str | None = _of("oldrev")
    labels: Labels = ()
    changes: Annotated[frozenset[str], BeforeValidator(_names)] = frozenset()
    updated_at: OptionalTime = _of("updated_at")


class PipelineEvent(Event):
    """A pipeline changed its status."""

    kind: Literal["pipeline"] = "pipeline"
    id: int = _must("object_attributes", "id")
    status: Text = _of("status", default="")
    ref: Text = _of("ref", default="")
    tag: Flag = _of("tag", default=False)
    sha: Text = _of("sha", default="")
    source: Text = _of("source", default="")
    name: Text = _of("name", default="")
    variables: Variables = _of("variables", default={})
    merge_request_iid: int | None = Field(default=None, validation_alias=AliasPath("merge_request", "iid"))
    created_at: OptionalTime = _of("created_at")
    finished_at: OptionalTime = _of("finished_at")


class JobEvent(Event):
    """A job changed its status. (GitLab's kind is `build`; its `commit.id` is the pipeline's.)"""

    kind: Literal["build"] = "build"
    id: int = Field(validation_alias="build_id")
    pipeline_id: int | None = None
    name: Text = Field(default="", validation_alias="build_name")
    stage: Text = Field(default="", validation_alias="build_stage")
    status: Text = Field(default="", validation_alias="build_status")
    allow_failure: Flag = Field(default=False, validation_alias="build_allow_failure")
    failure_reason: Text = Field(default="", validation_alias="build_failure_reason")
    ref: Text = ""
    tag: Flag = False
    sha: Text = ""
    environment: str | None = Field(default=None, validation_alias=AliasPath("environment", "name"))


class DeploymentEvent(Event):
    """A deployment changed its status. It names the commit by `short_sha` only: read the deployment."""

    kind: Literal["deployment"] = "deployment"
    id: int = Field(validation_alias="deployment_id")
    status: Text = ""
    environment: Text = ""
    short_sha: Text = ""
    ref: Text = ""
    job_id: int | None = Field(default=None, validation_alias="deployable_id")
    changed_at: OptionalTime = Field(default=None, validation_alias="status_changed_at")


class NoteEvent(Event):
    """Somebody commented; `iid` is the merge request's or issue's, None for commits and snippets."""

    kind: Literal["note"] = "note"
    id: int = _must("object_attributes", "id")
    body: Text = _of("note", default="")
    on: Text = _of("noteable_type", default="")
    author_id: int | None = _of("author_id")
    system: Flag = _of("system", default=False)
    iid: int | None = Field(
        default=None,
        validation_alias=AliasChoices(AliasPath("merge_request", "iid"), AliasPath("issue", "iid")),
    )


class IssueEvent(Event):
    """Something happened to a GitLab issue; `action` is open, close, reopen or update."""

    kind: Literal["issue"] = "issue"
    iid: int = _must("object_attributes", "iid")
    action: Text = _of("action", default="")
    state: Text = _of("state", default="")
    title: Text = _of("title", default="")
    description: Text = _of("description", default="")
    author_id: int | None = _of("author_id")
    labels: Labels = Field(
        default=(), validation_alias=AliasChoices(AliasPath("object_attributes", "labels"), "labels")
    )
    updated_at: OptionalTime = _of("updated_at")


class ReleaseEvent(Event):
    """A GitLab release was made, changed or deleted (`action`: create, update, delete)."""

    kind: Literal["release"] = "release"
    tag: str
    name: Text = ""
    description: Text = ""
    action: Text = ""
    sha: str | None = Field(default=None, validation_alias=AliasPath("commit", "id"))
    released_at: OptionalTime = None


class UnknownEvent(Event):
    """An event that Conveyor does not use, or could not read; `why` says which."""

    kind: Literal["unknown"] = "unknown"
    name: str = ""
    why: str = ""


GitLabEvent = (
    PushEvent
    | TagEvent
    | MergeRequestEvent
    | PipelineEvent
    | JobEvent
    | DeploymentEvent
    | NoteEvent
    | IssueEvent
    | ReleaseEvent
    | UnknownEvent
)
