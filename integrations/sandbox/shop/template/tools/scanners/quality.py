"""Functions that are too long or branch too often, in the format of Code Climate that GitLab reads.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import ast
import hashlib
from pathlib import Path

from scanners.sast import code

LONGEST, MOST_BRANCHES = 40, 10
_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.comprehension, ast.Assert)


def scan(root: Path) -> list[dict[str, object]]:
    """A finding for every such function."""
    found = []
    for path in code(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found += _of(node, str(path.relative_to(root)))
    return found


def _of(node, path: str) -> list[dict[str, object]]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    branches = 1 + sum(isinstance(inner, _BRANCHES) for inner in ast.walk(node))
    found = []
    if lines > LONGEST:
        found.append(("long-function", "minor", f"{node.name} has {lines} lines, more than {LONGEST}"))
    if branches > MOST_BRANCHES:
        found.append(("complex-function", "major", f"{node.name} has {branches} ways, more than {MOST_BRANCHES}"))
    return [
        {
            "check_name": check,
            "description": text,
            "severity": severity,
            "fingerprint": hashlib.sha256(f"{path}:{node.name}:{check}".encode()).hexdigest(),
            "location": {"path": path, "lines": {"begin": node.lineno, "end": node.end_lineno}},
        }
        for check, severity, text in found
    ]
