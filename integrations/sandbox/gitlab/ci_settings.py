"""What a project's settings hold for its pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass
class Variable:
    """A CI/CD variable for the environments that `scope` (`*` allowed) names."""

    key: str
    value: str
    scope: str = "*"
    protected: bool = False
    masked: bool = False


@dataclass
class FreezePeriod:
    """From each moment of one cron line to the next of the other, in `zone`; GitLab enforces nothing."""

    id: int
    start: str
    end: str
    zone: str
    created: datetime
    updated: datetime
