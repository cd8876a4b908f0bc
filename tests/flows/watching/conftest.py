"""The shop and the Prometheus of tests/watching."""

from tests.watching.conftest import watched

__all__ = ["watched"]
