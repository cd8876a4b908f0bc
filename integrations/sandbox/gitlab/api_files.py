"""Files, and commits of several files.

Source: https://docs.gitlab.com/api/repository_files/, https://docs.gitlab.com/api/commits/
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable

from integrations.sandbox.gitlab import diffs, shapes, trees, writing
from integrations.sandbox.gitlab.errors import bad_request, missing, refuse
from integrations.sandbox.gitlab.git import Commit, Repository
from integrations.sandbox.gitlab.params import Params
from integrations.sandbox.gitlab.routing import NOTHING, Call, Reply, Routes, created
from integrations.sandbox.gitlab.trees import Blob

routes = Routes()
_ONE = "/projects/:id/repository/files/:file_path"


def _at(call: Call) -> Commit:
    ref = call.params.text("ref") or call.project.default_branch
    try:
        return call.project.git.commit(call.project.git.resolve(ref))
    except KeyError:
        raise missing("Commit") from None


def _blob(call: Call, commit: Commit) -> bytes:
    try:
        return call.project.git.blob(commit.sha, call.names["file_path"])
    except KeyError:
        raise missing("File") from None


@routes.get(f"{_ONE}/raw")
def raw(call: Call) -> Reply:
    """A file's bytes at `ref`."""
    return Reply(_blob(call, _at(call)), media_type="text/plain; charset=utf-8")


@routes.get(_ONE)
def file(call: Call) -> Reply:
    """A file at `ref`, in base64."""
    commit, path, git = _at(call), call.names["file_path"], call.project.git
    content = _blob(call, commit)
    last = git.log("-1", commit.sha, "--", path)
    return Reply(
        {
            "file_name": path.rpartition("/")[2],
            "file_path": path,
            "size": len(content),
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "content_sha256": hashlib.sha256(content).hexdigest(),
            "ref": call.params.text("ref") or call.project.default_branch,
            "blob_id": git.text("rev-parse", f"{commit.sha}:{path}"),
            "commit_id": commit.sha,
            "last_commit_id": last[0].sha if last else commit.sha,
            "execute_filemode": _mode(git, commit.sha, path) == "100755",
        }
    )


def _mode(git: Repository, commit: str, path: str) -> str:
    return git.text("ls-tree", commit, "--", path).split(" ", 1)[0]


def _write(call: Call, action: str) -> str:
    call.params.require("branch", "commit_message", *(["content"] if action != "delete" else []))
    values = {**call.params.values, "action": action, "file_path": call.names["file_path"]}
    return _commit(call, [Params(values)])


@routes.post(_ONE)
def create_file(call: Call) -> Reply:
    """A new file, as a commit; 400 if it is there."""
    _write(call, "create")
    return created({"file_path": call.names["file_path"], "branch": call.params.text("branch")})


@routes.put(_ONE)
def update_file(call: Call) -> Reply:
    """Another content, as a commit; 400 if it is not there."""
    _write(call, "update")
    return Reply({"file_path": call.names["file_path"], "branch": call.params.text("branch")})


@routes.delete(_ONE)
def delete_file(call: Call) -> Reply:
    """Take a file away, as a commit."""
    _write(call, "delete")
    return NOTHING


@routes.post("/projects/:id/repository/commits")
def create_commit(call: Call) -> Reply:
    """One commit of several `actions` (create, update, delete, move, chmod); all or nothing."""
    call.params.require("branch", "commit_message")
    sha = _commit(call, call.params.records("actions"))
    commit = call.project.git.commit(sha)
    stats = diffs.stats(call.project.git, sha)
    return created({**shapes.commit(call.project, commit), "stats": stats, "status": None})


def _commit(call: Call, actions: list[Params]) -> str:
    branch, git = call.params.text("branch"), call.project.git
    writing.may_write(call, branch)
    start = call.params.optional("start_branch") or call.params.optional("start_sha")
    parent, old = writing.head(call, branch, start)
    files: dict[str, Blob | None] = {}
    for action in actions:
        _apply(_Edit(git, parent, files), action)
    tree = trees.edited(git, parent, files)
    parents = (parent,) if parent else ()
    return writing.put(call, branch, tree, parents, old, call.params.text("commit_message"))


class _Edit:
    """The files as the actions so far leave them."""

    def __init__(self, git: Repository, parent: str | None, files: dict[str, Blob | None]) -> None:
        self._git = git
        self._parent = parent
        self.files = files

    def present(self, path: str) -> Blob | None:
        """The file as it stands; None: it is not there."""
        if path in self.files:
            return self.files[path]
        if self._parent is None:
            return None
        try:
            return Blob(self._git.blob(self._parent, path), _mode(self._git, self._parent, path))
        except KeyError:
            return None

    def needed(self, path: str) -> Blob:
        """The file; 400 if it is not there."""
        found = self.present(path)
        if found is None:
            raise refuse(400, "A file with this name doesn't exist")
        return found


def _create(edit: _Edit, path: str, action: Params) -> None:
    if edit.present(path) is not None:
        raise refuse(400, "A file with this name already exists")
    edit.files[path] = Blob(_content(action), "100755" if action.flag("execute_filemode") else "100644")


def _update(edit: _Edit, path: str, action: Params) -> None:
    edit.files[path] = Blob(_content(action), edit.needed(path).mode)


def _delete(edit: _Edit, path: str, _action: Params) -> None:
    edit.needed(path)
    edit.files[path] = None


def _move(edit: _Edit, path: str, action: Params) -> None:
    source = action.needed("previous_path")
    found = edit.needed(source)
    edit.files[source] = None
    edit.files[path] = Blob(_content(action), found.mode) if "content" in action else found


def _chmod(edit: _Edit, path: str, action: Params) -> None:
    mode = "100755" if action.flag("execute_filemode") else "100644"
    edit.files[path] = Blob(edit.needed(path).content, mode)


_ACTIONS: dict[str, Callable[[_Edit, str, Params], None]] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "move": _move,
    "chmod": _chmod,
}


def _apply(edit: _Edit, action: Params) -> None:
    action.require("action", "file_path")
    name, path = action.choice("action", tuple(_ACTIONS), ""), action.text("file_path")
    if path.startswith("/") or any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise refuse(400, "Invalid path")
    _ACTIONS[name](edit, path, action)


def _content(action: Params) -> bytes:
    text = action.text("content")
    if action.choice("encoding", ("text", "base64"), "text") == "text":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise bad_request("content is invalid") from None
