"""Registers the pool and every Prefect deployment: `python -m deployments.register conveyor`.

What `prefect work-pool create` and `prefect deploy --all` do, in one process: each would import Prefect anew,
seconds of CPU while the worker that waits for the pool comes up.
"""

from __future__ import annotations

import sys

from prefect.cli import app

from deployments.stack import POOL


def main(worker_type: str) -> None:
    """Register all of it; a repeat changes nothing."""
    for command in (
        ["work-pool", "create", POOL, "--type", worker_type, "--overwrite"],
        ["--no-prompt", "deploy", "--all"],
    ):
        sys.argv = ["prefect", *command]
        try:
            app()
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main(sys.argv[1])
