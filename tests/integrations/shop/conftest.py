"""The shop as the scenario has it: its repository on the sandbox's GitLab, deployed to loopback ports."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.sandbox import shop
from integrations.sandbox.gitlab.server import GitLabSandbox
from integrations.sandbox.gitlab.state import ProjectSeed
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.people import SandboxPerson
from integrations.sandbox.shop.changes import apply

BOT = SandboxPerson("bot", "Bot", "bot@example.test", "acc-1", 101, "U1", "token-bot", is_bot=True)


class World:
    """The GitLab with the shop in it, a clone of it, and two ports."""

    def __init__(self, tmp: Path) -> None:
        self.home = tmp / "deployed"
        self.home.mkdir()
        self.staging, self.production, self.dev, self.test = shop.free_ports(4)
        seed = ProjectSeed(
            "shop/shop",
            "Shop",
            seed_dir=shop.template_dir(),
            variables={
                **shop.variables(
                    self.home, self.staging, self.production, dev_port=self.dev, test_port=self.test
                ),
                "SHOP_HEALTHY_WITHIN_S": "5",
            },
            members={"bot": 40},
        )
        self.gitlab = GitLabSandbox(tmp / "gitlab", [BOT], [seed])
        self.api = httpx.Client(
            base_url=f"{self.gitlab.url}/api/v4/projects/1/",
            headers={"PRIVATE-TOKEN": BOT.token},
            **LOOPBACK,
        )
        self.work = tmp / "work"
        address = f"{self.gitlab.url}/shop/shop.git".replace("://", f"://bot:{BOT.token}@")
        self._git(tmp, "clone", "-q", address, str(self.work))

    def _git(self, folder: Path, *arguments: str) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": BOT.name, f"GIT_{who}_EMAIL": BOT.email}
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def git(self, *arguments: str) -> str:
        """git in the clone."""
        return self._git(self.work, *arguments)

    def commit(self, *changes: str, files: dict[str, str] | None = None) -> str:
        """Apply the scenario's changes and write files, commit, and answer the sha; nothing is pushed."""
        for change in changes:
            apply(change, self.work)
        for name, text in (files or {}).items():
            (self.work / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", ", ".join(changes) or "files")
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, sha: str = "HEAD") -> str:
        """Tag a commit, push the tag, and answer the commit."""
        self.git("tag", name, sha)
        self.git("push", "-q", "origin", name)
        return self.git("rev-parse", f"{name}^{{commit}}")

    def step(self, ref: str, step: str, *, by_inputs: bool = False) -> dict[str, Any]:
        """Run the pipeline of one step to its end."""
        given = {"CONVEYOR_STEP": step, "CONVEYOR_OP": "op-1"}
        rows = [{"key": key, "value": value} for key, value in given.items()]
        body = {"ref": ref, "inputs": given} if by_inputs else {"ref": ref, "variables": rows}
        answer = self.api.post("pipeline", json=body)
        assert answer.status_code == 201, answer.text
        return self.finished(answer.json()["id"])

    def finished(self, pipeline_id: int) -> dict[str, Any]:
        """The pipeline when it has ended."""
        ended = ("success", "failed", "canceled", "skipped")
        return self.until(
            lambda: self.api.get(f"pipelines/{pipeline_id}").json(),
            lambda pipeline: pipeline["status"] in ended,
        )

    def until(self, look: Callable[[], Any], fits: Callable[[Any], bool], timeout_s: float = 30.0) -> Any:
        """The first look that fits."""
        end = time.monotonic() + timeout_s
        while not fits(seen := look()):
            assert time.monotonic() < end, seen
            time.sleep(0.02)
        return seen

    def jobs(self, pipeline: dict[str, Any]) -> dict[str, str]:
        """The jobs' statuses by name."""
        rows = self.api.get(f"pipelines/{pipeline['id']}/jobs").json()
        return {row["name"]: row["status"] for row in rows}

    def trace(self, pipeline: dict[str, Any], name: str) -> str:
        """What a job printed."""
        rows = self.api.get(f"pipelines/{pipeline['id']}/jobs").json()
        job = next(row for row in rows if row["name"] == name)
        return self.api.get(f"jobs/{job['id']}/trace").text

    def health(self, port: int) -> dict[str, Any]:
        """What the shop on that port says of itself."""
        return httpx.get(f"http://127.0.0.1:{port}/healthz", **LOOPBACK).json()

    def stop(self) -> None:
        self.api.close()
        self.gitlab.stop()
        shop.stop_all(self.home)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.stop()
    assert processes_of(tmp_path) == []


def processes_of(folder: Path) -> list[int]:
    """The processes whose command line names the folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
