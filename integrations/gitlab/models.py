"""What GitLab's API answers, as frozen values.

Identity is required (an id, an iid, a name, a sha), everything else has a default: answers differ
between versions and between a list and its single objects. Times are aware UTC; a `sha` has 40 hex
digits; `*_s` are seconds. `changed` says what our own call did: True if this very call brought the
object about, False if it already stood so.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, cast

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

from integrations.gitlab.wire import Flag, OptionalTime, Text, Texts, Wire


def _within(*path: str | int) -> Any:
    """Default None, read from inside the answer: `author: {id: 7}` is `author_id`."""
    name, *rest = path
    return Field(default=None, validation_alias=AliasPath(str(name), *rest))


def _ids(value: object) -> object:
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(cast("dict[str, Any]", row)["id"] for row in rows if isinstance(row, dict) and "id" in row)


class Version(Wire):
    """The server's version, such as `17.4.2-ee`."""

    version: str
    revision: Text = ""


class User(Wire):
    """An account; `bot` ones belong to tokens and services. Only its owner and administrators see `email`."""

    id: int
    username: Text = ""
    name: Text = ""
    email: Text = ""
    public_email: Text = ""
    state: Text = Field(default="active", description="active, blocked, deactivated, banned and others")
    bot: Flag = False


class Project(Wire):
    """A project; `path` with its groups, for people: calls use `id`."""

    id: int
    path: Text = Field(default="", validation_alias=AliasChoices("path_with_namespace", "path"))
    name: Text = ""
    default_branch: Text = ""
    web_url: Text = ""


class Commit(Wire):
    """A commit. `message` may be cut off or missing in short forms; `title` never is."""

    sha: str = Field(validation_alias="id")
    title: Text = ""
    message: Text = ""
    author_name: Text = ""
    author_email: Text = ""
    authored_at: OptionalTime = Field(default=None, validation_alias="authored_date")
    committed_at: OptionalTime = Field(
        default=None, validation_alias=AliasChoices("committed_date", "created_at")
    )
    parent_ids: Texts = ()
    web_url: Text = ""
    changed: bool = False

    @property
    def trailers(self) -> tuple[tuple[str, str], ...]:
        """`("Changelog", "fixed")` and the like: the last paragraph, where all of it is trailers."""
        paragraphs = re.split(r"\n\s*\n", self.message.replace("\r", "").strip())
        lines = paragraphs[-1].splitlines() if len(paragraphs) > 1 else []
        found = [re.fullmatch(r"([A-Za-z][A-Za-z0-9-]*): *(\S.*)", line) for line in lines]
        return tuple((m[1], m[2].strip()) for m in found if m) if all(found) else ()

    @property
    def co_author_emails(self) -> tuple[str, ...]:
        """E-mails of `Co-authored-by` lines, lower case, wherever in the message they stand.

        More than git itself would take: who may not sign their own work must not slip through a typo.
        """
        lines = re.findall(r"(?im)^\s*co-authored-by:.*?<([^<>\s]+)>", self.message)
        return tuple(dict.fromkeys(email.lower() for email in lines))


class Branch(Wire):
    """A branch and the commit at its head."""

    name: str
    sha: str = Field(validation_alias=AliasPath("commit", "id"))
    protected: Flag = False
    web_url: Text = ""
    changed: bool = False


class Tag(Wire):
    """A tag; `sha` is the commit's, of an annotated tag too. A lightweight one has no `message`."""

    name: str
    sha: str = Field(validation_alias=AliasPath("commit", "id"))
    message: Text = ""
    protected: Flag = False
    changed: bool = False


class ChangedFile(Wire):
    """One file of a difference; both paths are the same unless it was `renamed`."""

    old_path: str
    new_path: str
    new: Flag = Field(default=False, validation_alias="new_file")
    deleted: Flag = Field(default=False, validation_alias="deleted_file")
    renamed: Flag = Field(default=False, validation_alias="renamed_file")


class Comparison(Wire):
    """What a ref has that another has not: commits oldest first, and the files they changed."""

    commits: tuple[Commit, ...] = ()
    files: tuple[ChangedFile, ...] = Field(default=(), validation_alias="diffs")
    timed_out: Flag = Field(default=False, validation_alias="compare_timeout")


class TreeEntry(Wire):
    """A line of a tree: `type` is blob, tree or commit (a submodule)."""

    id: str
    path: str
    type: str


class File(Wire):
    """A file as the API gives it; `content` is base64."""

    content: Text = ""
    encoding: Text = "base64"
    blob_id: Text = ""


class ReleaseLink(Wire):
    """A link among a release's assets; in one release no two have the same name or url."""

    id: int
    name: Text = ""
    url: Text = ""
    changed: bool = False


class Release(Wire):
    """A GitLab release: the page with notes that hangs on a tag."""

    tag: str = Field(validation_alias="tag_name")
    name: Text = ""
    notes: Text = Field(default="", validation_alias="description")
    sha: str | None = _within("commit", "id")
    created_at: OptionalTime = None
    released_at: OptionalTime = None
    web_url: str | None = _within("_links", "self")
    links: tuple[ReleaseLink, ...] = Field(default=(), validation_alias=AliasPath("assets", "links"))
    changed: bool = False


class MergeRequest(Wire):
    """A merge request. `sha` is its source branch's head; `head_pipeline_*` come with single reads only.

    `state` is opened, closed, locked (being merged) or merged. Of a merged one, what the target branch
    got is `merge_commit_sha`, or `squash_commit_sha` where no merge commit is made.
    """

    iid: int
    project_id: int | None = None
    source_project_id: int | None = None
    source_branch: Text = ""
    target_branch: Text = ""
    state: Text = ""
    title: Text = ""
    description: Text = ""
    draft: Flag = Field(default=False, validation_alias=AliasChoices("draft", "work_in_progress"))
    author_id: int | None = _within("author", "id")
    reviewer_ids: Annotated[tuple[int, ...], BeforeValidator(_ids)] = Field(
        default=(), validation_alias="reviewers"
    )
    sha: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merged_at: OptionalTime = None
    created_at: OptionalTime = None
    updated_at: OptionalTime = None
    detailed_merge_status: Text = ""
    labels: Texts = ()
    web_url: Text = ""
    head_pipeline_id: int | None = _within("head_pipeline", "id")
    head_pipeline_status: str | None = _within("head_pipeline", "status")
    changed: bool = False


class Reviewer(Wire):
    """Who reviews a merge request.

    `state` is unreviewed, review_started, reviewed, requested_changes, approved or unapproved.
    """

    user_id: int = Field(validation_alias=AliasPath("user", "id"))
    state: Text = ""


class Note(Wire):
    """A comment on a merge request or an issue; `system` ones were written by GitLab itself."""

    id: int
    body: Text = ""
    author_id: int | None = _within("author", "id")
    system: Flag = False
    created_at: OptionalTime = None
    changed: bool = False


class Pipeline(Wire):
    """A pipeline. `name` is what its configuration calls it.

    `yaml_errors`, `coverage` (percent), `duration_s` and `user_id` come with single reads only.
    """

    id: int
    name: Text = ""
    status: Text = ""
    ref: Text = ""
    sha: Text = ""
    tag: Flag = False
    source: Text = ""
    yaml_errors: Text = ""
    web_url: Text = ""
    coverage: float | None = None
    user_id: int | None = _within("user", "id")
    created_at: OptionalTime = None
    updated_at: OptionalTime = None
    finished_at: OptionalTime = None
    duration_s: float | None = Field(default=None, validation_alias="duration")
    changed: bool = False


class Variable(Wire):
    """A variable of a pipeline."""

    key: str
    value: Text = ""


class Job(Wire):
    """A job. `status` is created, pending, running, success, failed, canceled, skipped, manual, ...

    `archive` is the name of its archive of artifacts, None if it left none.
    """

    id: int
    name: Text = ""
    stage: Text = ""
    status: Text = ""
    allow_failure: Flag = False
    failure_reason: Text = ""
    ref: Text = ""
    tag: Flag = False
    sha: str | None = _within("commit", "id")
    pipeline_id: int | None = _within("pipeline", "id")
    web_url: Text = ""
    coverage: float | None = None
    created_at: OptionalTime = None
    started_at: OptionalTime = None
    finished_at: OptionalTime = None
    duration_s: float | None = Field(default=None, validation_alias="duration")
    archive: str | None = _within("artifacts_file", "filename")
    changed: bool = False


class TestSummary(Wire):
    """A pipeline's JUnit results in numbers. `count` 0 means that no report came, not that all is well.

    `suite_error`: a report that came could not be read.
    """

    __test__ = False  # not a test class, whatever pytest makes of its name

    count: int = Field(validation_alias=AliasChoices(AliasPath("total", "count"), "total_count"))
    success: int = Field(validation_alias=AliasChoices(AliasPath("total", "success"), "success_count"))
    failed: int = Field(validation_alias=AliasChoices(AliasPath("total", "failed"), "failed_count"))
    skipped: int = Field(validation_alias=AliasChoices(AliasPath("total", "skipped"), "skipped_count"))
    error: int = Field(validation_alias=AliasChoices(AliasPath("total", "error"), "error_count"))
    time_s: float = Field(validation_alias=AliasChoices(AliasPath("total", "time"), "total_time"))
    suite_error: str | None = _within("total", "suite_error")


class Environment(Wire):
    """An environment, such as `staging`; `state` is available, stopping or stopped."""

    id: int
    name: str
    state: Text = ""
    tier: Text = ""
    external_url: Text = ""


class Deployment(Wire):
    """A GitLab deployment of `sha` to an environment, by the job `job_id`.

    `status` is created, running, success, failed, canceled, skipped or blocked.
    """

    id: int
    ref: Text = ""
    sha: Text = ""
    status: Text = ""
    tag: bool | None = _within("deployable", "tag")
    environment: str | None = _within("environment", "name")
    external_url: str | None = _within("environment", "external_url")
    job_id: int | None = _within("deployable", "id")
    pipeline_id: int | None = _within("deployable", "pipeline", "id")
    user_id: int | None = _within("user", "id")
    created_at: OptionalTime = None
    updated_at: OptionalTime = None
    finished_at: OptionalTime = Field(
        default=None,
        validation_alias=AliasChoices("finished_at", AliasPath("deployable", "finished_at")),
    )


class Issue(Wire):
    """A GitLab issue; `state` is opened or closed."""

    iid: int
    project_id: int | None = None
    title: Text = ""
    description: Text = ""
    state: Text = ""
    labels: Texts = ()
    author_id: int | None = _within("author", "id")
    created_at: OptionalTime = None
    updated_at: OptionalTime = None
    web_url: Text = ""


class Milestone(Wire):
    """A milestone; `state` is active or closed, dates are ISO days."""

    id: int
    iid: int
    title: Text = ""
    description: Text = ""
    state: Text = ""
    start_date: Text = ""
    due_date: Text = ""
    web_url: Text = ""
    changed: bool = False


class ProjectVariable(Wire):
    """A CI/CD variable of a project; `environment_scope` is `*`, a name, or a pattern such as `review/*`."""

    key: str
    value: Text = ""
    environment_scope: Text = "*"


class FreezePeriod(Wire):
    """From each moment of one cron line to the next of the other, by the clock of `cron_timezone`."""

    id: int
    freeze_start: Text = ""
    freeze_end: Text = ""
    cron_timezone: Text = "UTC"


class WikiPage(Wire):
    """A page of a project's wiki; a list of pages comes without `content`."""

    slug: str
    title: Text = ""
    content: Text = ""
    format: Text = "markdown"
    changed: bool = False


class Hook(Wire):
    """A project's webhook. `alert_status` other than executable: GitLab has stopped sending for now."""

    id: int
    url: Text = ""
    alert_status: Text = ""
    disabled_until: OptionalTime = None
    signing_token_present: bool | None = None
