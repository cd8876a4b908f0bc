"""One bare repository, driven by the `git` program. No library, no user configuration, no prompt."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from integrations.sandbox.gitlab import lasting

ZERO = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

_COMMIT = "%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%T%x1f%B"


class GitError(Exception):
    """`git` ended with another code than 0; `output` is what it wrote to its two streams."""

    def __init__(self, arguments: Sequence[str], code: int, output: str) -> None:
        super().__init__(arguments, code, output)
        self.code = code
        self.output = output


class _NotThere(Exception):
    """An answer that is not to be remembered."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        super().__init__()
        self.done = done


class MergeConflict(Exception):
    """Two sides changed the same; `paths` are the files concerned."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(tuple(paths))
        self.paths = tuple(paths)


@dataclass(frozen=True)
class Commit:
    """`sha`, `tree` and `parents` are 40 hex; the times are ISO 8601 with their offset."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored: str
    committer_name: str
    committer_email: str
    committed: str
    tree: str
    message: str

    @property
    def title(self) -> str:
        """The message's first line."""
        return self.message.split("\n", 1)[0]


@dataclass(frozen=True)
class Ref:
    """`target` is the commit; `object_sha` the tag object of an annotated tag, else the commit too."""

    full_name: str
    target: str
    object_sha: str
    message: str
    created: str

    @property
    def name(self) -> str:
        """Without `refs/heads/` or `refs/tags/`."""
        return self.full_name.split("/", 2)[2]


@dataclass(frozen=True)
class Identity:
    """Who a commit is by."""

    name: str
    email: str


def git_environment() -> dict[str, str]:
    """The environment of every git process: nothing of the user's, nothing of the system's."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ADVICE": "0",
        "GIT_COMMITTER_NAME": "GitLab",
        "GIT_COMMITTER_EMAIL": "gitlab@localhost.invalid",
        "GIT_AUTHOR_NAME": "GitLab",
        "GIT_AUTHOR_EMAIL": "gitlab@localhost.invalid",
    }


class Repository:
    """A bare repository at `path`. Every answer is read from it anew; only what never changes is remembered.

    Errors of git itself are `GitError`; an unknown name is `KeyError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lasting = lru_cache(maxsize=5_000)(self._answer)
        self._commits: dict[str, Commit] = {}
        self._described: dict[str, tuple[str, str, str]] = {}

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
    ) -> bytes:
        """What `git ARGUMENTS` writes to its output.

        Raises:
            GitError: it ended with a code that is not in `ok`.
        """
        try:
            known = not stdin and not env and lasting.lasts(arguments)
            done = self._lasting(arguments) if known else self._process(arguments, stdin, env or {})
        except _NotThere as error:
            done = error.done
        if done.returncode not in ok:
            output = (done.stdout + done.stderr).decode(errors="replace")
            raise GitError(arguments, done.returncode, output)
        return done.stdout

    def _process(
        self, arguments: Sequence[str], stdin: bytes, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["git", "-c", "gc.auto=0", "-c", "core.fsync=none", *arguments],
            cwd=self.path,
            env={**git_environment(), **env},
            input=stdin,
            capture_output=True,
            check=False,
        )

    def _answer(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        done = self._process(arguments, b"", {})
        # 1 is a conflict, or that there is no merge base. Others may be of objects that are yet to come.
        if done.returncode not in (0, 1):
            raise _NotThere(done)
        return done

    def text(self, *arguments: str, ok: Sequence[int] = (0,)) -> str:
        """`run`, decoded, without the last line feed."""
        return self.run(*arguments, ok=ok).decode(errors="replace").removesuffix("\n")

    def create(self, default_branch: str) -> None:
        """Make the repository, without a commit."""
        self.path.mkdir(parents=True)
        self.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", ".")
        with (self.path / "config").open("a") as config:
            config.write("[http]\n\treceivepack = true\n[core]\n\tlogAllRefUpdates = true\n")

    # names

    def resolve(self, name: str) -> str:
        """The commit that a branch, a tag or a sha (7 hex at least) names; a branch goes first.

        Raises:
            KeyError: nothing is called that.
        """
        for full in (f"refs/heads/{name}", f"refs/tags/{name}", name):
            if full == name and not _may_be_sha(name) and not name.startswith("refs/") and name != "HEAD":
                continue
            plain = full.startswith("refs/") and not re.search(r"[~^@:]", name)
            stands = lasting.read_ref(self.path, full) if plain else full
            with suppress(KeyError):
                if stands is not None:
                    return self.commit(stands).sha if lasting.is_sha(stands) else self._peel(stands)
        raise KeyError(name)

    def _peel(self, name: str) -> str:
        """The commit behind an abbreviated sha, HEAD or an expression."""
        sha = self.text("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", ok=(0, 1, 128))
        if not sha:
            raise KeyError(name)
        return sha

    def refs(self) -> dict[str, str]:
        """Every branch and tag by its full name, with the object it points to."""
        return lasting.read_refs(self.path, "refs/heads", "refs/tags")

    def branches(self) -> list[Ref]:
        """All branches, by name."""
        return self._listed(lasting.read_refs(self.path, "refs/heads"))

    def tags(self) -> list[Ref]:
        """All tags, by name."""
        return self._listed(lasting.read_refs(self.path, "refs/tags"))

    def ref(self, full_name: str) -> Ref:
        """One branch (`refs/heads/...`) or tag.

        Raises:
            KeyError: it does not exist.
        """
        stands = lasting.read_ref(self.path, full_name)
        found = self._listed({full_name: stands}) if stands else []
        if not found:
            raise KeyError(full_name)
        return found[0]

    def _listed(self, refs: Mapping[str, str]) -> list[Ref]:
        stand = dict(refs)
        if unknown := [name for name, sha in refs.items() if sha not in self._described]:
            fields = ("refname", "objectname", "*objectname", "contents", "creatordate:iso-strict")
            layout = "%1f".join(f"%({field})" for field in fields) + "%1e"
            for record in self.text("for-each-ref", f"--format={layout}", *unknown).split("\x1e"):
                if record.strip():
                    name, sha, peeled, message, created = record.lstrip("\n").split("\x1f")
                    self._described[sha] = (peeled or sha, message.strip() if peeled else "", created)
                    stand[name] = sha
        # One that is deleted meanwhile is not described.
        known = ((name, sha, self._described.get(sha)) for name, sha in stand.items())
        return [Ref(name, about[0], sha, *about[1:]) for name, sha, about in known if about]

    def valid_name(self, full_name: str) -> bool:
        """Whether git takes this as the name of a ref."""
        short = full_name.split("/", 2)[-1]
        return not short.startswith("-") and short != "HEAD" and _named_well(full_name)

    def update(self, full_name: str, new: str, old: str | None = None) -> None:
        """Set a ref, if it still stands at `old` (`ZERO`: must not exist; None: wherever it stands).

        Raises:
            GitError: it stands elsewhere.
        """
        self.run("update-ref", full_name, new, *([] if old is None else [old]))

    def remove(self, full_name: str) -> None:
        """Delete a ref; a repeat does nothing."""
        self.run("update-ref", "-d", full_name)

    # history

    def commit(self, sha: str) -> Commit:
        """The commit with this full sha, or behind that of a tag's object. Remembered.

        Raises:
            KeyError: there is none.
        """
        if sha not in self._commits:
            self._commits[sha] = self._commit(sha)
        return self._commits[sha]

    def _commit(self, sha: str) -> Commit:
        try:
            shown = self.run("show", "-s", f"--format={_COMMIT}", f"{sha}^{{commit}}").decode(
                errors="replace"
            )
        except GitError:
            raise KeyError(sha) from None
        return _parsed(shown)

    def log(self, *arguments: str) -> list[Commit]:
        """The commits that `git log ARGUMENTS` lists."""
        shown = self.run("log", "-z", f"--format={_COMMIT}", *arguments).decode(errors="replace")
        listed = [_parsed(record) for record in shown.split("\0") if record]
        self._commits |= {commit.sha: commit for commit in listed}
        return listed

    def merge_base(self, one: str, other: str) -> str | None:
        """The sha of the best common ancestor, if there is one."""
        return self.text("merge-base", one, other, ok=(0, 1)) or None

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` has `old` in its history (a commit is its own ancestor)."""
        return self.merge_base(old, new) == old

    # content

    def blob(self, ref: str, path: str) -> bytes:
        """The content of the file `path` at `ref`.

        Raises:
            KeyError: there is no such file.
        """
        try:
            return self.run("cat-file", "blob", f"{ref}:{path}")
        except GitError:
            raise KeyError(path) from None


@lru_cache(maxsize=1_000)
def _named_well(full_name: str) -> bool:
    command = ["git", "check-ref-format", full_name]
    return not subprocess.run(command, env=git_environment(), capture_output=True, check=False).returncode


def _may_be_sha(name: str) -> bool:
    return 7 <= len(name) <= 40 and all(letter in "0123456789abcdef" for letter in name)


def _parsed(record: str) -> Commit:
    sha, parents, an, ae, authored, cn, ce, committed, tree, message = record.split("\x1f", 9)
    message = message.rstrip("\n")
    return Commit(sha, tuple(parents.split()), an, ae, authored, cn, ce, committed, tree, message)
