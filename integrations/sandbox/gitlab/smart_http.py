"""git over HTTP: clone, fetch and push through git's own `git http-backend`.

Source: https://git-scm.com/docs/git-http-backend; what a push may do: GitLab's protected branches and tags.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Sequence

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from integrations.sandbox.gitlab.errors import Refusal
from integrations.sandbox.gitlab.git import ZERO, git_environment
from integrations.sandbox.gitlab.instance import Instance
from integrations.sandbox.gitlab.project import Project
from integrations.sandbox.gitlab.pushes import Change, after_push
from integrations.sandbox.gitlab.state import DEVELOPER, REPORTER, Account

_PATH = re.compile(
    r"/(?P<project>[\w.-]+(?:/[\w.-]+)+?)\.git(?P<rest>/info/refs|/git-(?:upload|receive)-pack)"
)
_NOT_BRANCH = "You are not allowed to push code to protected branches on this project."
_NOT_TAG = "You are not allowed to create this tag as it is protected."
_NO_CHANGE = "You are not allowed to change existing tags on this project."
_NO_FORCE = "You are not allowed to force push code to a protected branch on this project."
_NO_DELETE = "You can only delete protected branches using the web interface."


def is_git(path: str) -> bool:
    """Whether a request's path is one of git's."""
    return _PATH.fullmatch(path) is not None


async def serve(instance: Instance, request: Request) -> Response:
    """Answer one request of a git client."""
    parts = _PATH.fullmatch(request.url.path)
    service = request.query_params.get("service", "") + request.url.path.rpartition("/")[2]
    writes = "git-receive-pack" in service
    try:
        account = _identify(instance, request)
        request.scope["actor"] = account.username
        project = instance.project(parts["project"] if parts else "")
        if project.level(account.id) < REPORTER:
            raise Refusal(404, "The project you were looking for could not be found.")
        if writes and project.level(account.id) < DEVELOPER:
            raise Refusal(403, "You are not allowed to push code to this project.")
    except Refusal as refusal:
        headers = {"WWW-Authenticate": 'Basic realm="GitLab"'} if refusal.status == 401 else {}
        return Response(str(refusal.body), refusal.status, headers, "text/plain")
    body = await request.body()
    rest = parts["rest"] if parts else ""
    return await to_thread.run_sync(_backend, project, account, request, rest, body)


def _identify(instance: Instance, request: Request) -> Account:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            password = ""
        account = instance.account(password)
        if account is not None:
            return account
    raise Refusal(401, "HTTP Basic: Access denied.")


def _backend(project: Project, account: Account, request: Request, rest: str, body: bytes) -> Response:
    pushes = rest == "/git-receive-pack"
    changes = _commands(body) if pushes else []
    environment = {
        **git_environment(),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(project.repository),
        "PATH_INFO": rest,
        "REMOTE_USER": account.username,
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        **(_rules(project, account, changes) if pushes else {}),
    }
    done = subprocess.run(
        ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
    )
    if changes:
        refs = project.git.refs()
        taken = [change for change in changes if refs.get(change.ref, ZERO) == change.new]
        with project.instance.lock:
            after_push(project, account, taken)
    return _parsed(done.stdout)


def _parsed(output: bytes) -> Response:
    head, _, content = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split(" ")[0])
    return Response(content, status, headers)


def _commands(body: bytes) -> list[Change]:
    """What a push asks for: the pkt-lines before the first flush packet."""
    changes: list[Change] = []
    while len(body) >= 4 and (length := int(body[:4], 16)) > 4:
        old, new, ref = body[4:length].split(b"\0")[0].decode().strip().split(" ", 2)
        changes.append(Change(ref, old, new))
        body = body[length:]
    return changes


def _rules(project: Project, account: Account, changes: Sequence[Change]) -> dict[str, str]:
    """What the hook refuses to this person."""
    refused = [why for change in changes if (why := _refused(project, account, change))]
    no_force = [
        change.ref
        for change in changes
        if change.ref.startswith("refs/heads/")
        and ZERO not in (change.old, change.new)
        and (rule := project.branch_rule(change.ref.removeprefix("refs/heads/")))
        and not rule.allow_force
    ]
    return {
        "SANDBOX_REFUSED": refused[0] if refused else "",
        "SANDBOX_NO_FORCE": " ".join(no_force),
        "SANDBOX_NO_FORCE_WHY": _NO_FORCE,
    }


def _refused(project: Project, account: Account, change: Change) -> str:
    level = project.level(account.id)
    kind, _, name = change.ref.removeprefix("refs/").partition("/")
    if kind == "heads" and (rule := project.branch_rule(name)):
        if change.new == ZERO:
            return _NO_DELETE
        return "" if 0 < rule.push <= level else _NOT_BRANCH
    if kind == "tags" and (rule := project.tag_rule(name)):
        if not 0 < rule.push <= level:
            return _NOT_TAG
        return "" if ZERO in (change.old, change.new) else _NO_CHANGE
    return ""
