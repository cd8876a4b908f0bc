"""The demo as a new user runs it: the whole story, and every check holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.prefect
@pytest.mark.demo
@pytest.mark.timeout(900)
def test_the_demo_ends_well_and_every_check_holds(tmp_path: Path) -> None:
    to = tmp_path / "demo.json"
    command = [str(Path(sys.executable).with_name("conveyor")), "demo", "--json", str(to)]
    done = subprocess.run(
        [*command, "--home", str(tmp_path / "home")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert to.exists(), done.stdout[-4000:] + done.stderr[-2000:]
    said = json.loads(to.read_text(encoding="utf-8"))
    assert [check for check in said["checks"] if not check["ok"]] == []
    assert done.returncode == 0
    assert said["schema"] == 1
    assert len(said["checks"]) > 50
    assert said["figures"]["deployment_frequency"] > 0
