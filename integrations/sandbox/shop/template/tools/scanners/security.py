"""GitLab's security report format, as far as it is required.

Source: https://gitlab.com/gitlab-org/security-products/security-report-schemas, 15.0.7
"""

import hashlib
from datetime import datetime, timezone

_VERSION = "15.0.7"


def finding(name: str, severity: str, rule: str, location: dict[str, object]) -> dict[str, object]:
    """One vulnerability; `severity` is Info, Low, Medium, High or Critical. Its id is the same in every run."""
    mark = repr((rule, sorted(location.items(), key=str)))
    return {
        "id": hashlib.sha256(mark.encode()).hexdigest(),
        "name": name,
        "description": name,
        "severity": severity,
        "identifiers": [{"type": "shop_rule", "name": rule, "value": rule}],
        "location": location,
    }


def report(kind: str, began: datetime, findings: list[dict[str, object]], **more: object) -> dict[str, object]:
    """The whole report; `kind` is sast, secret_detection, dependency_scanning or container_scanning."""
    tool = {
        "id": f"shop_{kind}",
        "name": f"The shop's own {kind.replace('_', ' ')}",
        "version": "1.0.0",
        "vendor": {"name": "Shop"},
    }
    scan = {
        "type": kind,
        "status": "success",
        "analyzer": tool,
        "scanner": tool,
        "start_time": _time(began),
        "end_time": _time(datetime.now(timezone.utc)),
    }
    return {"version": _VERSION, "scan": scan, "vulnerabilities": findings, **more}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")
