"""Secrets that stand in the files of the repository. What was found is not repeated in the report."""

import os
import re
from pathlib import Path

from scanners.security import finding

_PATTERNS = {
    "gitlab_token": r"\bglpat-[\w-]{20}",
    "aws_key": r"\bAKIA[0-9A-Z]{16}\b",
    "slack_token": r"\bxox[abp]-[\w-]{10,}",
    "payment_key": r"\bsk_live_\w{16,}",
    "private_key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "password": r"(?i)\b\w*(?:password|secret|api_key)\w*\s*[=:]\s*[\"'][^\"'\s]{12,}[\"']",
}
_NOT_OURS = {".git", "reports", "__pycache__"}


def scan(root: Path, sha: str) -> list[dict[str, object]]:
    """A vulnerability for every line with a secret on it."""
    patterns = {rule: re.compile(pattern) for rule, pattern in _PATTERNS.items()}
    found = []
    for path in files(root):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for rule, pattern in patterns.items():
                if pattern.search(line):
                    location = {
                        "file": str(path.relative_to(root)),
                        "start_line": number,
                        "commit": {"sha": sha},
                    }
                    found.append(finding(f"A {rule.replace('_', ' ')} stands in the file", "Critical", rule, location))
    return found


def files(root: Path) -> list[Path]:
    """Every file of the repository."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_OURS]
        found += [Path(folder) / name for name in names]
    return sorted(found)
