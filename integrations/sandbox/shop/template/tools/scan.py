"""Write what GitLab and the release process want to know of this commit under `reports/`.

A finding fails nothing here: what may not be released is decided by who releases.
"""

import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from scanners import container, dependencies, migrations, quality, sast, secret_detection
from scanners.security import report


def main() -> int:
    began = datetime.now(timezone.utc)
    sha = os.environ.get("CI_COMMIT_SHA", "0" * 40)
    reports = {
        "gl-sast-report.json": report("sast", began, sast.scan(ROOT)),
        "gl-secret-detection-report.json": report("secret_detection", began, secret_detection.scan(ROOT, sha)),
        "gl-dependency-scanning-report.json": report(
            "dependency_scanning", began, dependencies.scan(ROOT), dependency_files=dependencies.files(ROOT)
        ),
        "gl-container-scanning-report.json": report("container_scanning", began, container.scan(ROOT)),
        "gl-code-quality-report.json": quality.scan(ROOT),
        "gl-sbom.cdx.json": dependencies.sbom(ROOT, container.base_image(ROOT)),
        "migrations.json": {"migrations": migrations.check()},
    }
    folder = ROOT / "reports"
    folder.mkdir(exist_ok=True)
    for name, content in reports.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n")
        print(f"{name}: {_count(content)}")
    (folder / "metrics.txt").write_text(metrics())
    return 0


def _count(content) -> str:
    for rows in ("vulnerabilities", "components", "migrations"):
        if rows in content:
            return f"{len(content[rows])} {rows}"
    return f"{len(content)} findings"


def metrics() -> str:
    """OpenMetrics. No image is built here: its size is that of the package, which is what goes to the host."""
    command = ["git", "archive", "--format=tar.gz", "HEAD"]
    size = len(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return f"# TYPE image_size_bytes gauge\n# UNIT image_size_bytes bytes\nimage_size_bytes {size}\n# EOF\n"


if __name__ == "__main__":
    sys.exit(main())
