"""The set-up by `make`: what it says where it cannot go on, and that a second time costs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"demo", "test", "check", "faults", "record", "up", "clean", "help"}

# A Debian where neither venv nor pip is installed.
BARE_PYTHON = '#!/bin/sh\necho "No module named $2" >&2\nexit 1\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What `make` looks at, without the rest, and a machine without uv."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "sed", "expand", "rm", "test", "touch", "mkdir", "find"):
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    (tools / "python3").write_text(BARE_PYTHON)
    (tools / "python3").chmod(0o755)
    return tmp_path


def make(clone: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("make") or "make", *targets]
    env = {"PATH": str(clone / "tools"), "HOME": str(clone)}
    return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)


def ready(clone: Path) -> None:
    """As if the set-up had been done."""
    (clone / ".venv").mkdir()
    stamp = clone / ".venv" / ".ready"
    stamp.touch()
    (clone / ".uv-bootstrap" / "bin").mkdir(parents=True)
    (clone / ".uv-bootstrap" / "bin" / "uv").touch()


def test_without_pip_the_package_to_install_is_named_in_one_line(clone: Path) -> None:
    done = make(clone, "demo")
    assert done.returncode != 0
    [said] = [line for line in done.stderr.splitlines() if "uv cannot be installed" in line]
    assert "apt-get install python3-pip" in said
    assert not (clone / ".uv-bootstrap").exists()


def test_record_without_a_vendor_says_which_there_are(clone: Path) -> None:
    ready(clone)
    done = make(clone, "record")
    assert done.returncode != 0
    assert "VENDOR=gitlab" in done.stderr


def test_what_is_set_up_is_not_set_up_again_until_the_lock_changes(clone: Path) -> None:
    ready(clone)
    assert "is up to date" in make(clone, ".venv/.ready").stdout
    later = (clone / ".venv" / ".ready").stat().st_mtime + 5
    os.utime(clone / "uv.lock", (later, later))
    assert "sync --frozen" in make(clone, "-n", ".venv/.ready").stdout


def test_help_names_every_target_and_is_the_default(clone: Path) -> None:
    listed = {line.split()[1] for line in make(clone, "help").stdout.splitlines()}
    assert listed == TARGETS
    assert make(clone).stdout == make(clone, "help").stdout


def test_ci_runs_check_and_test_and_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text().splitlines()
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make check", "make test"]
