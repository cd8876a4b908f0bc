"""What `requirements.lock` brings in: against the known advisories, and as a bill of materials."""

import json
import platform
import re
import uuid
from datetime import datetime, timezone
from pathlib import Path

from scanners.security import finding

LOCK = "requirements.lock"
_LINE = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.]+)(?:\s*#\s*(?P<licence>\S+))?\s*")


def locked(root: Path) -> list[tuple[str, str, str]]:
    """Name, version and licence ("" where none is given) of every dependency.

    Raises:
        ValueError: a line pins nothing.
    """
    found = []
    for line in (root / LOCK).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"{LOCK}: {line!r} is not name==version")
            found.append((match["name"], match["version"], match["licence"] or ""))
    return found


def scan(root: Path) -> list[dict[str, object]]:
    """A vulnerability for every dependency with an advisory."""
    advisories = json.loads((root / "tools" / "advisories.json").read_text())
    found = []
    for name, version, _ in locked(root):
        for advisory in advisories:
            if advisory["package"] == name and version in advisory["affected"]:
                dependency = {"package": {"name": name}, "version": version}
                location = {"file": LOCK, "dependency": dependency}
                text = f"{name} {version}: {advisory['title']}; mended in {advisory['fixed']}"
                found.append(finding(text, advisory["severity"], advisory["id"], location))
    return found


def files(root: Path) -> list[dict[str, object]]:
    """The report's `dependency_files`."""
    rows = [{"package": {"name": name}, "version": version} for name, version, _ in locked(root)]
    return [{"path": LOCK, "package_manager": "pip", "dependencies": rows}]


def sbom(root: Path, base_image: str) -> dict[str, object]:
    """CycloneDX 1.5: Python itself and every dependency, with their licences."""
    parts = [("Python", platform.python_version(), "PSF-2.0", "platform", "pkg:generic/python")]
    parts += [(*row, "library", f"pkg:pypi/{row[0]}") for row in locked(root)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "name": "shop",
                "version": (root / "VERSION").read_text().strip(),
            },
            "properties": [{"name": "shop:base_image", "value": base_image}],
        },
        "components": [
            {
                "type": kind,
                "name": name,
                "version": version,
                "purl": f"{purl}@{version}",
                **({"licenses": [{"license": {"id": licence}}]} if licence else {}),
            }
            for name, version, licence, kind, purl in parts
        ],
    }
