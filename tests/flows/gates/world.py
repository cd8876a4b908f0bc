"""A shop whose pipeline leaves every report that the gates read, from files that its commits hold."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integrations.settings import settings

CI = r"""
workflow:
  name: $CONVEYOR_STEP $CONVEYOR_OP
unit:
  script:
    - cp -r given reports
    - grep COVERAGE given/log || true
    - test "$FAIL" != "yes" -a ! -e given/fail
  coverage: '/COVERAGE (\d+\.\d+)/'
  artifacts:
    when: always
    paths: [reports/]
    reports:
      junit: reports/junit.xml
  rules:
    - if: $CI_PIPELINE_SOURCE == "api" && $CONVEYOR_STEP != "production"
deploy:
  script: [echo deployed]
  environment: {name: production, url: "http://127.0.0.1:1/"}
  rules:
    - if: $CI_PIPELINE_SOURCE == "api" && $CONVEYOR_STEP == "production"
"""

SCAN = {"version": "15.0.0", "scan": {"status": "success"}, "vulnerabilities": []}
GOOD = {
    "junit.xml": '<testsuites><testcase classname="shop.Cart" name="adds"/></testsuites>',
    "log": "COVERAGE 87.5\n",
    "coverage.xml": '<coverage line-rate="0.91"/>',
    "gl-sast-report.json": json.dumps(SCAN),
    "gl-code-quality-report.json": "[]",
    "gl-sbom.cdx.json": json.dumps(
        {"bomFormat": "CycloneDX", "components": [{"name": "a", "licenses": [{"license": {"id": "MIT"}}]}]}
    ),
    "metrics.txt": "# TYPE image_size_bytes gauge\nimage_size_bytes 12345\n# EOF\n",
    "migrations.json": '{"migrations": [{"id": "0001_first", "reversible": true}]}',
}
"""What every gate is content with, by file."""

GATES = {
    "required_jobs": ["unit"],
    "minimum_coverage": 80,
    "scans": {"sast": "high"},
    "code_quality": "major",
    "licences": ["MIT"],
    "maximum_image_mb": 1,
    "maximum_duration": "10m",
    "migrations_reversible": True,
    "exceptions_by": ["release"],
}


def ask_for(**gates: object) -> None:
    """Let the policy ask for these gates."""
    path = Path(settings().policy)
    data = json.loads(path.read_text())
    data["projects"][0]["gates"] = gates
    path.write_text(json.dumps(data))


TAG = "1.4.0-rc.1"


class Shop:
    """Commits reports and runs pipelines, as developers do."""

    def __init__(self, team: Any) -> None:
        self._team = team
        self._known: set[str] = set()

    def commit(self, changed: Mapping[str, str | None] | None = None, ci: str = CI) -> str:
        """A commit whose pipeline leaves the good reports but for `changed` ones; its sha."""
        files = {name: text for name, text in {**GOOD, **(changed or {})}.items() if text is not None}
        wanted = {".gitlab-ci.yml": ci, **{f"given/{name}": text for name, text in files.items()}}
        actions = [
            {"action": "update" if path in self._known else "create", "file_path": path, "content": text}
            for path, text in wanted.items()
        ]
        actions += [{"action": "delete", "file_path": path} for path in self._known - wanted.keys()]
        self._known = set(wanted)
        body = {"branch": "main", "commit_message": "Reports", "actions": actions}
        return str(self._team.gitlab("POST", "repository/commits", "olli", **body)["id"])

    def tag(self, sha: str) -> str:
        """A candidate's tag on `sha`; its name."""
        self._team.gitlab("POST", "repository/tags", "olli", tag_name=TAG, ref=sha)
        return TAG

    def run(self, **variables: str) -> int:
        """A pipeline on main, to its end; its id."""
        rows = [{"key": key, "value": value} for key, value in variables.items()]
        started = self._team.gitlab("POST", "pipeline", "olli", ref="main", variables=rows)["id"]
        return self.ended(int(started))

    def ended(self, pipeline_id: int) -> int:
        """The pipeline once it has ended."""
        end = time.monotonic() + 30
        while (seen := self.status(pipeline_id)) not in ("success", "failed"):
            assert time.monotonic() < end, seen
            threading.Event().wait(0.05)
        return pipeline_id

    def status(self, pipeline_id: int) -> str:
        return str(self._team.gitlab("GET", f"pipelines/{pipeline_id}", "olli")["status"])
