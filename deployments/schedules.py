"""Lets Prefect's server make the runs of schedules with SQLAlchemy 2.1.

The server imports every `prefect.collections` entry point when it starts, and so this. Its scheduler inserts
runs together with their `state`, which is no column but a hybrid property; SQLAlchemy 2.0 passes over such a
key, 2.1 wants to be told how to write it, raises, and no schedule of any deployment makes a run (seen with
Prefect 3.8.8). Told to write nothing, it does what 2.0 did: the scheduler inserts the states itself.
"""

from __future__ import annotations

import sys

_ORM = "prefect.server.database.orm_models"


def let_schedules_make_runs() -> None:
    """Where this is Prefect's server; elsewhere its tables are not imported, and nothing happens."""
    if (models := sys.modules.get(_ORM)) is None:
        return
    state = vars(models.FlowRun)["state"]
    if getattr(state, "bulk_dml_setter", _write_nothing) is None:
        state.bulk_dml_setter = _write_nothing


def _write_nothing(*_: object) -> None:
    """The scheduler writes the states of its runs in a statement of their own."""


let_schedules_make_runs()
