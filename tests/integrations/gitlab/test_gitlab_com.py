"""What gitlab.com really answered, replayed through the client.

The cassettes were recorded by another client: methods and paths are compared, and the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import vcr
import yaml

from integrations.errors import NotFound, Refused
from integrations.gitlab import GitLabClient
from integrations.settings import GitLabSettings

CASSETTES = Path(__file__).parents[3].parent / "shared" / "recorded" / "gitlab" / "gitlab.com-cassettes"
pytestmark = pytest.mark.skipif(not CASSETTES.is_dir(), reason="needs ../shared/recorded")

Seen = tuple[str, str, int, Any]
P = r"/api/v4/projects/(\d+)"


def _page(query: str) -> str:
    return parse_qs(query).get("page", ["1"])[0]


def _alike(one: Any, other: Any) -> None:
    """vcrpy's matcher: the same method on the same object, and the same page of a list."""
    a, b = urlsplit(one.uri), urlsplit(other.uri)
    mine = (one.method, unquote(a.path), _page(a.query))
    assert mine == (other.method, unquote(b.path), _page(b.query))


@contextmanager
def replayed(path: Path) -> Iterator[GitLabClient]:
    player = vcr.VCR(record_mode="none")  # pyright: ignore[reportArgumentType]
    player.register_matcher("alike", _alike)
    client = GitLabClient(GitLabSettings(url="https://gitlab.com"))
    with player.use_cassette(str(path), match_on=["alike"], allow_playback_repeats=True):
        yield client
    client.close()


def _request(mr: Any) -> tuple[Any, ...]:
    return (mr.iid, mr.source_branch, mr.state, mr.sha, mr.merge_commit_sha, mr.author_id)


def _answered_request(answer: Any) -> tuple[Any, ...]:
    names = ("iid", "source_branch", "state", "sha", "merge_commit_sha")
    return (*(answer[name] for name in names), answer["author"]["id"])


# path -> (what our client says of it, what the answer says)
GETS: list[tuple[str, Callable[..., Any], Callable[[Any], Any]]] = [
    (r"/api/v4/user", lambda gl: gl.me().username, lambda a: a["username"]),
    (P, lambda gl, p: gl.project(p).path, lambda a: a["path_with_namespace"]),
    (r"/api/v4/projects/(?!\d+/)([^/]+/[^/]+)", lambda gl, p: gl.project_id(p), lambda a: a["id"]),
    (
        f"{P}/issues/(\\d+)",
        lambda gl, p, i: (lambda issue: (issue.title, issue.labels))(gl.issues.get(p, i)),
        lambda a: (a["title"], tuple(a["labels"])),
    ),
    (f"{P}/merge_requests/(\\d+)", lambda gl, p, i: _request(gl.merge_requests.get(p, i)), _answered_request),
    (
        f"{P}/repository/branches/(.+)",
        lambda gl, p, b: gl.repository.branch(p, b).sha,
        lambda a: a["commit"]["id"],
    ),
    (
        f"{P}/repository/commits/([^/]+)",
        lambda gl, p, sha: (lambda commit: (commit.sha, commit.message))(gl.repository.commit(p, sha)),
        lambda a: (a["id"], a["message"]),
    ),
    (
        f"{P}/repository/tags/(.+)",
        lambda gl, p, t: gl.repository.tag(p, t).sha,
        lambda a: a["commit"]["id"],
    ),
    (
        f"{P}/repository/files/(.+)",
        lambda gl, p, f: len(gl.repository.file(p, f, "master")),
        lambda a: a["size"],
    ),
    (
        f"{P}/repository/tree",
        lambda gl, p: gl.repository.blobs(p, "master"),
        lambda a: {each["path"]: each["id"] for each in a if each["type"] == "blob"},
    ),
]


def _route(path: str) -> tuple[Callable[..., Any], list[int | str], Callable[[Any], Any]] | None:
    for pattern, ask, read in GETS:
        if found := re.fullmatch(pattern, path):
            return ask, [int(each) if each.isdecimal() else each for each in found.groups()], read
    return None


def _seen(path: Path) -> list[Seen]:
    """Each GET of the cassette that one of our methods makes too, with its answer."""
    interactions = yaml.load(path.read_text(), yaml.CSafeLoader)["interactions"]
    seen: dict[str, Seen] = {}
    for each in interactions:
        request, response = each["request"], each["response"]
        where = urlsplit(request["uri"])
        route = unquote(where.path)
        if request["method"] == "GET" and "page=" not in where.query and _route(route):
            text = response["body"]["string"]
            seen.setdefault(route, (route, where.query, response["status"]["code"], json.loads(text)))
    return list(seen.values())


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(CASSETTES)) for path in CASSETTES.glob("*/*.yaml"))
)
def test_what_gitlab_com_answered_is_what_the_client_says(name: str) -> None:
    seen = _seen(CASSETTES / name)
    assert seen, "no answer here is one that we ask for"
    with replayed(CASSETTES / name) as client:
        for path, _query, status, answer in seen:
            route = _route(path)
            assert route is not None
            ask, arguments, read = route
            if status == 200:
                assert ask(client, *arguments) == read(answer), path
            else:
                _is_refused(client, path, status, ask, arguments)


def _is_refused(
    client: GitLabClient, path: str, status: int, ask: Callable[..., Any], arguments: list[int | str]
) -> None:
    """A missing branch, tag or file is None; anything else is an error that names itself."""
    if status == 404 and "/repository/" in path:
        assert _missing(client, path, arguments) is None
        return
    with pytest.raises((NotFound, Refused)) as refused:
        ask(client, *arguments)
    assert refused.value.status == status


def _missing(client: GitLabClient, path: str, arguments: list[Any]) -> object:
    project, name = arguments
    if "/branches/" in path:
        return client.repository.branch(project, name)
    if "/tags/" in path:
        return client.repository.tag(project, name)
    return client.repository.file(project, name, "master")


def test_a_merge_on_gitlab_com_ends_merged() -> None:
    with replayed(CASSETTES / "test_pull_requests" / "PullRequests.test_pr_merge.yaml") as client:
        before = client.merge_requests.get(14233409, 71)
        merged = client.merge_requests.merge(14233409, 71, before.sha or "")
    assert (before.state, merged.state, merged.changed) == ("opened", "merged", True)
    assert merged.merge_commit_sha
    assert merged.merged_at is not None


def test_a_merge_request_opened_on_gitlab_com_is_not_one_of_the_others_that_are_open() -> None:
    name = "PullRequests.test_create_pr_upstream_upstream.yaml"
    with replayed(CASSETTES / "test_pull_requests" / name) as client:
        opened = client.merge_requests.open(14233409, "not-there-before", "master", "t", "d")
    assert opened.changed
    assert opened.state == "opened"


def test_a_list_on_gitlab_com_is_read_to_its_last_page() -> None:
    name = "PullRequests.test_mr_list_limit.yaml"
    with replayed(CASSETTES / "test_pull_requests" / name) as client:
        found = client.merge_requests.list(14233409)
    iids = [each.iid for each in found]
    assert len(iids) > 80
    assert len(set(iids)) == len(iids)
    assert 1 in iids
