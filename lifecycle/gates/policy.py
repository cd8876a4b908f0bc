"""What a team asks of a candidate. What is left out is not asked."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field, model_validator

from lifecycle.calendar import Duration


class ScanKind(StrEnum):
    """GitLab's security reports."""

    SAST = "sast"
    DEPENDENCIES = "dependency_scanning"
    SECRETS = "secret_detection"
    CONTAINER = "container_scanning"


class Severity(StrEnum):
    """Of a security finding, the mildest first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """Of a code quality finding, the mildest first."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    BLOCKER = "blocker"


class Flaky(BaseModel, frozen=True, extra="forbid"):
    """A test that may fail through the day `until` (UTC), by `classname.name` or `name`."""

    name: str = Field(min_length=1)
    until: date


class GatePolicy(BaseModel, frozen=True, extra="forbid"):
    """What a candidate must show. `minimum_coverage`: percent; 0 asks for no coverage."""

    required_jobs: tuple[str, ...] = ()
    tolerated_jobs: tuple[str, ...] | None = Field(
        default=None, description="jobs that may fail; left out, those that GitLab tolerates"
    )
    minimum_tests: int = Field(default=1, ge=0)
    flaky_tests: tuple[Flaky, ...] = Field(default=(), description="tests that may fail until a day")
    minimum_coverage: float = Field(default=0.0, ge=0, le=100, allow_inf_nan=False)
    coverage_drop: float | None = Field(
        default=None,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="percentage points that the coverage may be below production's",
    )
    scans: dict[ScanKind, Severity] = Field(
        default={}, description="a report that must be there -> the severity that stops a candidate"
    )
    code_quality: Level | None = Field(default=None, description="the severity that stops a candidate")
    licences: tuple[str, ...] | None = Field(
        default=None, description="SPDX ids that a component may be under"
    )
    maximum_image_mb: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="of the image, in 1,000,000 bytes"
    )
    maximum_duration: Duration | None = Field(default=None, description="of the pipeline")
    migrations_reversible: bool = Field(default=False, description="every migration can be taken back")
    exceptions_by: tuple[str, ...] = Field(
        default=(), description="roles that may sign an exception to a gate; nobody may if it is empty"
    )
    valid_for: Duration | None = Field(
        default=None, description="a verdict older than this is given anew before production"
    )
    settles_after: Duration = Field(
        default=timedelta(0),
        description="so long GitLab may still retry a failed job by itself",
    )

    def in_force(self, day: date) -> str:
        """A digest of what a verdict of that day (UTC) goes by, the same for as long as that is the same.

        A flaky test whose day is over is excused no more.
        """
        flaky = tuple(each for each in self.flaky_tests if day <= each.until)
        asked = self.model_copy(update={"flaky_tests": flaky})
        beside = {"exceptions_by", "valid_for", "settles_after"}
        data = asked.model_dump(mode="json", exclude_defaults=True, exclude=beside)
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _no_job_is_both(self) -> Self:
        both = sorted(set(self.required_jobs) & set(self.tolerated_jobs or ()))
        if both:
            raise ValueError(f"job {both[0]} is required, so it cannot be tolerated")
        return self
