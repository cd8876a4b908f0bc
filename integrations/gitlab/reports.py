"""What jobs leave to be read: JUnit, Cobertura, GitLab's own JSON, CycloneDX, OpenMetrics, migrations.

A report is written by whatever a branch runs, so it is read as an enemy's: no entities, no outside
references, nothing deeper or longer than the caps. Sources:
https://docs.gitlab.com/ci/testing/unit_test_reports/, https://docs.gitlab.com/ci/testing/code_quality/,
https://gitlab.com/gitlab-org/security-products/security-report-schemas, https://cyclonedx.org/docs/1.6/json/,
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple, TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import BaseModel, FailFast, Field, TypeAdapter, ValidationError

from integrations.gitlab.wire import Text, Wire

MAX_BYTES = 20_000_000
"""Of one report: a longer one is refused before it is read."""

MAX_ROWS = 50_000
"""Test cases, findings, components or figures in one report."""

MAX_PARTS = 1_000_000
"""Tags of XML, or objects of JSON: each costs a hundred times the memory that its few bytes seem to."""

_SHOWN = 200
_METRIC = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{[^}]*\})? +(\S+)(?: +\S+)?")

T = TypeVar("T")
Rows = Annotated[tuple[T, ...], Field(max_length=MAX_ROWS), FailFast()]
"""Not all that is wrong with millions of rows is kept: the first one says enough."""


class Unreadable(Exception):
    """The report is not what its name says; the text is for people."""


class Results(NamedTuple):
    """A JUnit report in numbers; `failures` are the names of what failed or broke."""

    total: int
    failed: int
    errors: int
    skipped: int
    failures: tuple[str, ...]


class Found(NamedTuple):
    """One finding; `severity` in lower case, "" if the report names none."""

    severity: str
    title: str
    where: str


class Scan(NamedTuple):
    """A security report; `status` is the scanner's word on its own run, "" if the report has none."""

    status: str
    findings: tuple[Found, ...]


class Part(NamedTuple):
    """A component and what it says of its licences."""

    name: str
    licences: tuple[str, ...]


def junit(content: bytes) -> Results:
    """A JUnit report.

    Raises:
        Unreadable: it is none.
    """
    root = _xml(content, "testsuites", "testsuite")
    kinds = {"failure": 0, "error": 0, "skipped": 0}
    failures: list[str] = []
    cases = _capped(root.iter("testcase"))
    for case in cases:
        kind = next((kind for kind in kinds if case.find(kind) is not None), None)
        if kind is not None:
            kinds[kind] += 1
        if kind in ("failure", "error"):
            name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
            failures.append(name[:_SHOWN])
    return Results(len(cases), kinds["failure"], kinds["error"], kinds["skipped"], tuple(failures))


def cobertura(content: bytes) -> float:
    """The share of covered lines, in percent. See `junit` for what is raised."""
    rate = _xml(content, "coverage").get("line-rate")
    try:
        share = float(rate or "")
    except ValueError:
        raise Unreadable("it has no line-rate") from None
    if not 0 <= share <= 1:
        raise Unreadable(f"its line-rate is {share:g}, not between 0 and 1")
    return round(share * 100, 2)


def _xml(content: bytes, *roots: str) -> Element:
    _bounded(content, b"<")
    try:
        # A document type is let by (Cobertura's own tool writes one), but nothing that it defines.
        root: Element = fromstring(content, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise Unreadable("it defines entities, which no report needs") from None
    except (ParseError, ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise Unreadable(f"it is no XML: {error}") from None
    if root.tag not in roots:
        raise Unreadable(f"its root is {root.tag[:_SHOWN]}, not {' or '.join(roots)}")
    return root


class _Lines(Wire):
    begin: int | None = None


class _Location(Wire):
    file: Text = ""
    path: Text = ""
    image: Text = ""
    start_line: int | None = None
    lines: _Lines = _Lines()

    @property
    def text(self) -> str:
        line = self.start_line or self.lines.begin
        return ((self.file or self.path or self.image) + (f":{line}" if line else ""))[:_SHOWN]


class _Vulnerability(Wire):
    severity: Text = ""
    name: Text = ""
    message: Text = ""
    description: Text = ""
    location: _Location = _Location()


class _Run(Wire):
    status: Text = ""


class _Security(Wire):
    scan: _Run = _Run()
    vulnerabilities: Rows[_Vulnerability]


def security(content: bytes) -> Scan:
    """A SAST, dependency, secret or container report. See `junit` for what is raised."""
    report = _json(_Security, content)
    return Scan(report.scan.status, tuple(_found(each) for each in report.vulnerabilities))


def quality(content: bytes) -> tuple[Found, ...]:
    """A Code Quality report. See `junit` for what is raised."""
    rows: tuple[_Vulnerability, ...] = _checked(TypeAdapter(Rows[_Vulnerability]), content)
    return tuple(map(_found, rows))


def _found(each: _Vulnerability) -> Found:
    title = each.name or each.message or each.description
    return Found(each.severity.lower(), " ".join(title.split())[:_SHOWN], each.location.text)


class _Licence(Wire):
    id: Text = ""
    name: Text = ""


class _Choice(Wire):
    license: _Licence = _Licence()
    expression: Text = ""

    @property
    def text(self) -> str:
        return (self.expression or self.license.id or self.license.name)[:_SHOWN]


class _Component(Wire):
    name: Text = ""
    version: Text = ""
    licenses: Rows[_Choice] = ()
    components: Rows[_Component] = ()


class _Bom(Wire):
    bom_format: str = Field(alias="bomFormat", pattern="^CycloneDX$")
    components: Rows[_Component] = ()


def cyclonedx(content: bytes) -> tuple[Part, ...]:
    """The components that a CycloneDX list names, nested ones too. See `junit` for what is raised."""
    parts = _capped(_parts(_json(_Bom, content).components))
    return tuple(
        Part(" ".join((each.name, each.version)).strip()[:_SHOWN], tuple(filter(None, _texts(each))))
        for each in parts
    )


def _parts(components: tuple[_Component, ...]) -> Iterator[_Component]:
    for each in components:
        yield each
        yield from _parts(each.components)


def _texts(component: _Component) -> Iterator[str]:
    return (choice.text for choice in component.licenses)


def openmetrics(content: bytes) -> dict[str, float]:
    """The figures by name; of several with one name and other labels the largest. See `junit`."""
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        raise Unreadable("it is no text in UTF-8") from None
    found: dict[str, float] = {}
    for line in _capped(line.strip() for line in lines if line.strip() and not line.startswith("#")):
        match = _METRIC.fullmatch(line)
        try:
            value = float(match[2]) if match else None
        except ValueError:
            value = None
        if match is None or value is None:
            raise Unreadable(f"not understood: {line[:_SHOWN]}")
        found[match[1]] = max(value, found.get(match[1], value))
    return found


class _Migration(BaseModel, frozen=True, strict=True):
    id: str = Field(min_length=1, max_length=_SHOWN)
    reversible: bool


class _Migrations(BaseModel, frozen=True):
    migrations: Rows[_Migration]


def migrations(content: bytes) -> dict[str, bool]:
    """The migrations by id, and whether each can be taken back. See `junit` for what is raised."""
    found: dict[str, bool] = {}
    for each in _json(_Migrations, content).migrations:
        found[each.id] = each.reversible and found.get(each.id, True)
    return found


M = TypeVar("M", bound=BaseModel)


def _json(model: type[M], content: bytes) -> M:
    return _checked(TypeAdapter[M](model), content)


def _checked(adapter: TypeAdapter[Any], content: bytes) -> Any:
    _bounded(content, b"{")
    try:
        return adapter.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "too_long":
            raise Unreadable(f"it has more than {MAX_ROWS} entries") from None
        where = ".".join(map(str, first["loc"]))
        raise Unreadable(f"{where}: {first['msg']}" if where else str(first["msg"])) from None


def _bounded(content: bytes, opening: bytes) -> None:
    """Refuse it before anything is built of it; what stands in a text counts too."""
    if content.count(opening) > MAX_PARTS:
        raise Unreadable(f"it has more than {MAX_PARTS} parts")


def _capped(rows: Iterator[T]) -> list[T]:
    found: list[T] = []
    for row in rows:
        if len(found) == MAX_ROWS:
            raise Unreadable(f"it has more than {MAX_ROWS} entries")
        found.append(row)
    return found
