"""Calls in the code that run or load what somebody else may have written."""

import ast
from pathlib import Path

from scanners.security import finding

CODE = ("serve.py", "shop/**/*.py", "deploy/**/*.py", "tools/**/*.py")
_CALLS = {
    "eval": ("Critical", "runs a text as code"),
    "exec": ("Critical", "runs a text as code"),
    "os.system": ("High", "runs a text in a shell"),
    "os.popen": ("High", "runs a text in a shell"),
    "pickle.load": ("High", "runs code while it loads data"),
    "pickle.loads": ("High", "runs code while it loads data"),
    "marshal.loads": ("High", "loads data that may be code"),
    "ssl._create_unverified_context": ("High", "trusts every certificate"),
    "tempfile.mktemp": ("Medium", "names a file that somebody else may make first"),
    "hashlib.md5": ("Medium", "is a broken hash"),
    "hashlib.sha1": ("Medium", "is a broken hash"),
}


def code(root: Path) -> list[Path]:
    """The Python files that run somewhere; tests are not among them."""
    return sorted({path for pattern in CODE for path in root.glob(pattern)})


def scan(root: Path) -> list[dict[str, object]]:
    """A vulnerability for every such call."""
    found = []
    for path in code(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                for severity, rule, text in _wrong(node):
                    location = {"file": str(path.relative_to(root)), "start_line": node.lineno}
                    found.append(finding(f"{rule} {text}", severity, rule, location))
    return found


def _wrong(call: ast.Call) -> list[tuple[str, str, str]]:
    name = ast.unparse(call.func)
    found = []
    if name in _CALLS:
        severity, text = _CALLS[name]
        found.append((severity, name, text))
    for keyword in call.keywords:
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value):
            found.append(("High", "shell=True", "runs a text in a shell"))
    return found
