"""Run the tests; write `reports/junit.xml` and `coverage.xml`; print how many of the shop's lines they ran."""

import os
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The code that only runs as a process, and is tested by deploying it.
NOT_MEASURED = {"server.py"}


class Result(unittest.TextTestResult):
    """Remembers how each test ended, and how long it took."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.perf_counter()
        self.ended = ("success", "")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.ended = ("failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self.ended = ("error", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.ended = ("failure", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.ended = ("skipped", reason)

    def stopTest(self, test):
        super().stopTest(test)
        rows.append((test, time.perf_counter() - self.began, *self.ended))


rows: list[tuple[unittest.TestCase, float, str, str]] = []


def junit(path: Path) -> None:
    """Write what was run."""
    suite = ET.Element("testsuite", name="shop", tests=str(len(rows)))
    for test, seconds, status, text in rows:
        classname, _, name = test.id().rpartition(".")
        case = ET.SubElement(suite, "testcase", classname=classname, name=name, time=f"{seconds:.6f}")
        if status != "success":
            ET.SubElement(case, status, message=text.strip().splitlines()[-1] if text else "").text = text
    path.parent.mkdir(exist_ok=True)
    ET.ElementTree(suite).write(path, encoding="unicode", xml_declaration=True)


class Coverage:
    """Which lines of the shop ran."""

    def __init__(self) -> None:
        self.ran: dict[str, set[int]] = {}
        self.prefix = str(ROOT / "shop")

    def start(self) -> None:
        threading.settrace(self.call)
        sys.settrace(self.call)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def call(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(self.prefix):
            return None
        lines = self.ran.setdefault(frame.f_code.co_filename, set())

        def line(frame, event, argument):
            lines.add(frame.f_lineno)
            return line

        return line(frame, event, argument)

    def files(self) -> dict[str, dict[int, bool]]:
        """For every measured file which of its lines ran."""
        found = {}
        for path in sorted(Path(self.prefix).glob("*.py")):
            if path.name not in NOT_MEASURED:
                lines = executable(compile(path.read_text(), str(path), "exec"))
                ran = self.ran.get(str(path), set())
                found[f"shop/{path.name}"] = {line: line in ran for line in sorted(lines)}
        return found


def told(files: dict[str, dict[int, bool]]) -> None:
    """Print a line per file, and the total in per cent."""
    for name, lines in files.items():
        print(f"{name:20} {sum(lines.values()):4} of {len(lines):4}")
    ran, there = counted(files)
    print(f"TOTAL {ran} of {there} lines {100.0 * ran / there:.1f}%")


def counted(files: dict[str, dict[int, bool]]) -> tuple[int, int]:
    """Of all files together, the lines that ran and those that there are."""
    return sum(sum(lines.values()) for lines in files.values()), sum(map(len, files.values()))


def cobertura(files: dict[str, dict[int, bool]], path: Path) -> None:
    """Write which lines ran. Branches are not measured: their rate says 0."""
    rates = {"branch-rate": "0", "branches-covered": "0", "branches-valid": "0", "complexity": "0"}
    ran, there = counted(files)
    rate = f"{ran / there:.4f}"
    root = ET.Element("coverage", {"line-rate": rate, "lines-covered": str(ran), "lines-valid": str(there),
                                   "timestamp": str(int(time.time())), "version": "1", **rates})
    ET.SubElement(ET.SubElement(root, "sources"), "source").text = str(ROOT)
    inner = {"branch-rate": "0", "complexity": "0"}
    package = ET.SubElement(ET.SubElement(root, "packages"), "package", {"name": "shop", "line-rate": rate, **inner})
    classes = ET.SubElement(package, "classes")
    for name, lines in files.items():
        share = f"{sum(lines.values()) / max(1, len(lines)):.4f}"
        about = {"name": Path(name).stem, "filename": name, "line-rate": share, **inner}
        one = ET.SubElement(classes, "class", about)
        ET.SubElement(one, "methods")
        rows = ET.SubElement(one, "lines")
        for line, hit in lines.items():
            ET.SubElement(rows, "line", number=str(line), hits=str(int(hit)))
    ET.ElementTree(root).write(path, encoding="unicode", xml_declaration=True)


def executable(code) -> set[int]:
    """The numbers of the lines that hold code."""
    lines = {line for _, _, line in code.co_lines() if line}
    for constant in code.co_consts:
        if hasattr(constant, "co_lines"):
            lines |= executable(constant)
    return lines


def scratch_database(folder: str) -> None:
    """A database of the tests' own."""
    from shop import schema

    os.environ["SHOP_DATABASE"] = f"{folder}/shop.db"
    with closing(schema.connect(f"{folder}/shop.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        schema.forward(connection, "tests")


def main() -> int:
    sys.path.insert(0, str(ROOT))
    coverage = Coverage()
    coverage.start()
    with tempfile.TemporaryDirectory() as folder:
        scratch_database(folder)
        result = run()
    coverage.stop()
    junit(ROOT / "reports" / "junit.xml")
    files = coverage.files()
    cobertura(files, ROOT / "reports" / "coverage.xml")
    told(files)
    return 0 if result.wasSuccessful() and rows else 1


def run() -> unittest.TestResult:
    """Every test under tests/."""
    suite = unittest.defaultTestLoader.discover(str(ROOT / "tests"), top_level_dir=str(ROOT / "tests"))
    return unittest.TextTestRunner(sys.stdout, resultclass=Result, verbosity=2).run(suite)


if __name__ == "__main__":
    sys.exit(main())
