"""The keywords of `.gitlab-ci.yml`: those that are acted upon, and those that GitLab knows beyond them.

Both kinds of foreign keyword are errors; only the message differs. Source: https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

from collections.abc import Mapping

#: Known, accepted and of no effect, as with a real shell runner; each job's trace says so.
NOT_USED = ("image", "services", "cache")

GLOBAL_DEFAULTS = ("image", "services", "cache", "before_script", "after_script")
GLOBAL = frozenset({"stages", "default", "variables", "workflow", *GLOBAL_DEFAULTS})
DEFAULT = frozenset({*GLOBAL_DEFAULTS, "artifacts", "interruptible", "retry", "tags", "timeout"})
JOB = frozenset(
    {
        *DEFAULT,
        "script",
        "stage",
        "needs",
        "dependencies",
        "rules",
        "when",
        "allow_failure",
        "coverage",
        "environment",
        "resource_group",
        "extends",
        "variables",
    }
)
KNOWN_TO_GITLAB = frozenset(
    {
        "only",
        "except",
        "parallel",
        "trigger",
        "release",
        "secrets",
        "id_tokens",
        "inherit",
        "identity",
        "hooks",
        "run",
        "pages",
        "publish",
        "start_in",
        "dast_configuration",
        "manual_confirmation",
    }
)
WORKFLOW_RULE = frozenset({"if", "changes", "exists", "when", "variables"})
JOB_RULE = frozenset({*WORKFLOW_RULE, "allow_failure"})
NEED = frozenset({"project", "ref", "pipeline", "parallel"})
ARTIFACTS = frozenset({"name", "paths", "exclude", "when", "expire_in", "reports"})
#: Reports that are kept: under which name and in which format, by the API's `file_type`, which is the
#: keyword but for `cobertura` (`coverage_report`). Source: `Enums::Ci::JobArtifact` of gitlabhq.
REPORTS: Mapping[str, tuple[str, str]] = {
    "junit": ("junit.xml", "gzip"),
    "dotenv": (".env", "gzip"),
    "cobertura": ("cobertura-coverage.xml", "gzip"),
    "metrics": ("metrics.txt", "gzip"),
    "cyclonedx": ("gl-sbom.cdx.json", "gzip"),
    "sast": ("gl-sast-report.json", "raw"),
    "secret_detection": ("gl-secret-detection-report.json", "raw"),
    "dependency_scanning": ("gl-dependency-scanning-report.json", "raw"),
    "container_scanning": ("gl-container-scanning-report.json", "raw"),
    "codequality": ("gl-code-quality-report.json", "raw"),
}
REPORTS_NOT_KEPT = frozenset(
    {
        "accessibility",
        "annotations",
        "api_fuzzing",
        "browser_performance",
        "coverage_fuzzing",
        "dast",
        "license_scanning",
        "load_performance",
        "requirements",
        "terraform",
    }
)
ENVIRONMENT = frozenset({"name", "url", "action", "deployment_tier", "on_stop", "auto_stop_in"})

WHEN = ("on_success", "on_failure", "always", "manual")
RULE_WHEN = (*WHEN, "never")
ARTIFACTS_WHEN = ("on_success", "on_failure", "always")
ACTIONS = ("start", "stop", "prepare", "verify", "access")
COVERAGE_FORMATS = ("cobertura",)
TIERS = ("production", "staging", "testing", "development", "other")
