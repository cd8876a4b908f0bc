"""The sandbox's real shop, started from its sources, with its log in a file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integrations.sandbox import shop as sources
from tests.watching.database import migrated

TEMPLATE = Path(sources.__file__).parent / "template"


@dataclass(frozen=True)
class RealShop:
    """Where it answers and logs."""

    url: str
    log: Path


@contextmanager
def running(folder: Path, sha: str) -> Iterator[RealShop]:
    """The shop as packaged from that commit, until the end of the block."""
    shutil.copytree(TEMPLATE, folder / "shop")
    (folder / "shop" / "REVISION").write_text(f"{sha}\n")
    database = migrated(folder / "shop.db", folder / "shop")
    log = folder / "shop.log"
    with log.open("ab") as written:
        process = subprocess.Popen(
            [sys.executable, "-S", "-B", "serve.py", "--port", "0"],
            cwd=folder / "shop",
            env={**os.environ, "SHOP_ENV": "staging", "SHOP_DATABASE": str(database)},
            stdout=written,
            stderr=written,
        )
    try:
        yield RealShop(f"http://127.0.0.1:{_port(log, process)}", log)
    finally:
        process.terminate()
        process.wait(10)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that its first line names."""
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        lines = log.read_text().splitlines(keepends=True)
        if lines and lines[0].endswith("\n"):
            return int(json.loads(lines[0])["port"])
        time.sleep(0.02)
    raise AssertionError(log.read_text())
