"""`pytest -n 2 -p tests.measured`: each of xdist's workers measures what it covers.

It begins when pytest imports its plugins, so before any test imports what is to be measured.
"""

from __future__ import annotations

import os

import coverage

_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_measured = coverage.Coverage(data_suffix=_WORKER) if _WORKER else None
if _measured is not None:
    _measured.start()


def pytest_unconfigure() -> None:
    """Write `.coverage.gw0` and its like; `coverage combine` adds them up."""
    if _measured is not None:
        _measured.stop()
        _measured.save()
