"""The gateway, with each release walked by the Prefect deployment of its own kind of worker.

`python -m tests.benchmarks.aimed`; `python -m tests.benchmarks.aimed serve` is the kind that `serve`s itself.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

from deployments.gateway import __main__ as gateway
from deployments.gateway import app
from deployments.gateway.sender import Sender, Target, target

KINDS = {"1.4.0": "release", "1.5.0": "stock", "1.6.0": "served"}
"""Version -> the name of the Prefect deployment that walks it."""


def aim(subject: str) -> Target:
    """As ever, but for the releases of the benchmark."""
    wanted = target(subject)
    kind = KINDS.get(subject.rpartition(":")[2], "release")
    return replace(wanted, deployment=f"release/{kind}") if subject.startswith("release:") else wanted


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        from flows.release import release

        release.serve(name="served")
    else:
        app.Sender = partial(Sender, aim=aim)  # pyright: ignore[reportAttributeAccessIssue]
        gateway.main()
