"""The database that a shop needs where nobody deployed it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MIGRATE = "import sys; from shop import schema; schema.forward(schema.connect(sys.argv[1]), 'first')"


def migrated(database: Path, sources: Path) -> Path:
    """Make the database by the migrations of the shop in `sources`, as a deployment does before it starts."""
    command = [sys.executable, "-S", "-B", "-c", MIGRATE, str(database.resolve())]
    subprocess.run(command, cwd=sources, check=True)
    return database.resolve()
