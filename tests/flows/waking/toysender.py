"""The gateway's sender alone, aimed at the toys: `python -m tests.flows.waking.toysender`."""

from __future__ import annotations

import logging
import threading

from deployments.gateway.sender import Sender, Target, target
from tasks.context import ledger


def aim(subject: str) -> Target:
    """`toy:` and `own:` are walked by the worker, `crowd:` by nobody, all else as ever."""
    kind, _, name = subject.partition(":")
    if kind in ("toy", "own", "crowd"):
        return Target(f"toy/{kind}", subject, {"subject": subject}, (subject, name))
    return target(subject)


def main() -> None:
    """Send until killed."""
    logging.basicConfig(level=logging.INFO)
    Sender(ledger(), aim=aim).loop.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
