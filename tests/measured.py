"""`pytest -n 2 -p tests.measured`: each of xdist's workers measures what it covers.

It begins when pytest imports its plugins, so before any test imports what is to be measured. Examples have to
cover everything by themselves, so nothing is measured while Hypothesis looks for its own: they differ from
run to run, and measuring makes the thousands of them three times as slow.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import coverage
import pytest
from hypothesis import is_hypothesis_test

_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_measured = coverage.Coverage(data_suffix=_WORKER) if _WORKER else None
if _measured is not None:
    _measured.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure the tests by example alone."""
    if _measured is None or not is_hypothesis_test(getattr(item, "obj", None)):
        return (yield)
    _measured.stop()
    try:
        return (yield)
    finally:
        _measured.start()


def pytest_unconfigure() -> None:
    """Write `.coverage.gw0` and its like; `coverage combine` adds them up."""
    if _measured is not None:
        _measured.stop()
        _measured.save()
