"""What a finished pipeline shows.

`problem` says why a report that is there cannot be read; `url` leads to it.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from lifecycle.gates.policy import ScanKind


class JobEvidence(BaseModel, frozen=True):
    """One job, its latest try. `status` is GitLab's word, e.g. `success`, `failed`, `manual`."""

    name: str
    status: str
    allow_failure: bool = False
    url: str = ""


class TestEvidence(BaseModel, frozen=True):
    """The pipeline's test reports added up. `failures`: names of failed tests, as far as they are known."""

    __test__ = False  # pytest: a fact about tests, not a test

    total: int = Field(default=0, ge=0)
    failed: int = Field(default=0, ge=0)
    errors: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)
    failures: tuple[str, ...] = ()
    problem: str = ""
    url: str = ""

    @property
    def ran(self) -> int:
        """Tests that were really run."""
        return max(0, self.total - self.skipped)


class Figure(BaseModel, frozen=True):
    """One number; `value` None if nothing reported it."""

    value: float | None = None
    problem: str = ""
    url: str = ""


class Finding(BaseModel, frozen=True):
    """One thing that a scanner found. `severity`: its word in lower case; `where`: a file and line."""

    severity: str
    title: str
    where: str = ""

    @property
    def text(self) -> str:
        """It, in a line."""
        return f"{self.severity}: {self.title}" + (f" ({self.where})" if self.where else "")


class ScanEvidence(BaseModel, frozen=True):
    """A report of findings. `status` is the scanner's own word on its run; "" where the format has none."""

    status: str = ""
    findings: tuple[Finding, ...] = ()
    problem: str = ""
    url: str = ""


class Component(BaseModel, frozen=True):
    """Something that the product contains. `licences`: SPDX ids, expressions or names; all of them count."""

    name: str
    licences: tuple[str, ...] = ()


class LicenceEvidence(BaseModel, frozen=True):
    """The list of components."""

    components: tuple[Component, ...] = ()
    problem: str = ""
    url: str = ""


class Migration(BaseModel, frozen=True):
    """A change of the database's shape."""

    id: str
    reversible: bool


class MigrationEvidence(BaseModel, frozen=True):
    """The migrations in the candidate."""

    migrations: tuple[Migration, ...] = ()
    problem: str = ""
    url: str = ""

    @property
    def irreversible(self) -> tuple[str, ...]:
        """Those that cannot be taken back."""
        return tuple(migration.id for migration in self.migrations if not migration.reversible)


class Production(BaseModel, frozen=True):
    """What production serves; `coverage` in percent, None if it is not known."""

    tag: str
    coverage: float | None = None


class PipelineEvidence(BaseModel, frozen=True):
    """What GitLab says of a finished pipeline and what its jobs left behind.

    `sha`: 40 hex; `coverage`: percent; a report that is None, or a scan that is not among `scans`, was not
    left by any job. `production` is None before the first release.
    """

    sha: str
    status: str
    url: str = ""
    jobs: tuple[JobEvidence, ...] = ()
    tests: TestEvidence = TestEvidence()
    coverage: Figure = Figure()
    scans: dict[ScanKind, ScanEvidence] = {}
    quality: ScanEvidence | None = None
    licences: LicenceEvidence | None = None
    image_bytes: Figure = Figure()
    duration_s: float | None = None
    migrations: MigrationEvidence | None = None
    production: Production | None = None
