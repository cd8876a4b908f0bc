"""What a job leaves behind to be read: JUnit, coverage and dotenv.

Sources: https://docs.gitlab.com/ci/testing/unit_test_reports/ and https://docs.gitlab.com/ci/yaml/#coverage
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Case:
    """One test case; `status` is success, failed, error or skipped."""

    name: str
    classname: str
    status: str
    time_s: float
    file: str | None = None
    output: str | None = None


@dataclass(frozen=True)
class Suite:
    """The test cases of one job; `error` says why its report could not be read."""

    name: str
    cases: tuple[Case, ...] = ()
    error: str | None = None
    build_ids: tuple[int, ...] = field(default=())

    def count(self, status: str | None = None) -> int:
        """How many cases, of one status or in all."""
        return sum(status in (None, case.status) for case in self.cases)

    @property
    def time_s(self) -> float:
        """Of all cases together."""
        return round(sum(case.time_s for case in self.cases), 6)


def read_junit(name: str, job_id: int, files: Sequence[Path]) -> Suite:
    """One suite out of all the `files`; a file that is no JUnit makes the suite an erroneous one."""
    cases: list[Case] = []
    for path in files:
        try:
            root = ET.fromstring(path.read_bytes())  # a report of a job that runs on this machine anyway
        except ET.ParseError as error:
            return Suite(name, (), f"JUnit XML parsing failed: {error}", (job_id,))
        if root.tag not in ("testsuite", "testsuites"):
            return Suite(name, (), f"JUnit data parsing failed: unexpected root `{root.tag}`", (job_id,))
        cases += [_case(element) for element in root.iter("testcase")]
    return Suite(name, tuple(cases), None, (job_id,))


def _case(element: ET.Element) -> Case:
    status, output = "success", None
    for tag, kind in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        child = element.find(tag)
        if child is not None:
            status, output = kind, child.text or child.get("message")
            break
    try:
        time_s = float(element.get("time") or 0)
    except ValueError:
        time_s = 0.0
    return Case(
        element.get("name") or "", element.get("classname") or "", status, time_s, element.get("file"), output
    )


def coverage_of(trace: str, pattern: str) -> float | None:
    """The last match's last number, in per cent."""
    found: float | None = None
    for line in _ANSI.sub("", trace).splitlines():
        for match in re.finditer(pattern, line):
            numbers = _NUMBER.findall(next((group for group in match.groups() if group), match[0]))
            found = float(numbers[-1]) if numbers else found
    return found


def read_dotenv(text: str) -> dict[str, str]:
    """`NAME=value` a line.

    Raises:
        ValueError: a line is something else.
    """
    values: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = re.fullmatch(r"(\w+)=(.*)", line)
        if match is None:
            raise ValueError("Invalid Format")
        values[match[1]] = match[2].strip("\"'")
    return values


def totals(suites: Iterable[Suite]) -> dict[str, object]:
    """The API's `total` over several suites."""
    suites = list(suites)
    return {
        "time": round(sum(suite.time_s for suite in suites), 6),
        "count": sum(suite.count() for suite in suites),
        "success": sum(suite.count("success") for suite in suites),
        "failed": sum(suite.count("failed") for suite in suites),
        "skipped": sum(suite.count("skipped") for suite in suites),
        "error": sum(suite.count("error") for suite in suites),
        "suite_error": next((suite.error for suite in suites if suite.error), None),
    }
