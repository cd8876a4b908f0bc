"""What the shop's pipeline says of a commit is looked up in the commit, and is there for whoever releases."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox import shop

World = Any

TOKEN = "glpat-" + "x" * 20
BAD: Mapping[str, str] = {
    "shop/sums.py": "import os\nimport pickle\nimport subprocess\n\n\n"
    "def total(text):\n    pickle.loads(text)\n    os.system(text)\n"
    "    subprocess.run(text, shell=True)\n    return eval(text)\n",
    "shop/long.py": "def long():\n" + "    pass\n" * 41 + "\n\ndef winding(x):\n" + "    if x: x += 1\n" * 10,
    "deploy/token.env": f"SHOP_TOKEN={TOKEN}\nSHOP_PASSWORD='correct-horse-battery'\n",
    "requirements.lock": "receipt-printer==1.1.0  # MIT\ntiny-charts==0.9.1\n",
    "Dockerfile": "FROM python:latest\n",
    "shop/migrations/0003_gone.up.sql": "UPDATE orders SET email = '';\n",
    "shop/migrations/0004_half.up.sql": "CREATE TABLE half (x);\nCREATE TABLE other (x);\n",
    "shop/migrations/0004_half.down.sql": "DROP TABLE half;\n",
    "shop/migrations/0005_wrong.up.sql": "CREATE TABLE wrong (x);\n",
    "shop/migrations/0005_wrong.down.sql": "DROP TABLE right;\n",
}


def scanned(folder: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """The reports on the template with these files, by their names."""
    tree = folder / "shop"
    shutil.copytree(shop.template_dir(), tree)
    for name, text in files.items():
        (tree / name).write_text(text)
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.test", "-C", str(tree)]
    for command in ([*git, "init", "-q"], [*git, "add", "-A"], [*git, "commit", "-q", "-m", "x"]):
        subprocess.run(command, check=True)
    subprocess.run(["python3", "-S", "-B", "tools/scan.py"], cwd=tree, check=True, capture_output=True)
    return {path.name: _read(path) for path in (tree / "reports").iterdir()}


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.suffix == ".json" else path.read_text()


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scanned(tmp_path_factory.mktemp("bad"), BAD)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scanned(tmp_path_factory.mktemp("good"), {})


def found(report: Any) -> set[tuple[str, str]]:
    """Rule and severity of every vulnerability."""
    return {(row["identifiers"][0]["value"], row["severity"]) for row in report["vulnerabilities"]}


def test_code_that_runs_what_others_wrote_is_found_with_its_line(bad: dict[str, Any]) -> None:
    report = bad["gl-sast-report.json"]
    assert found(report) == {
        ("eval", "Critical"),
        ("os.system", "High"),
        ("pickle.loads", "High"),
        ("shell=True", "High"),
    }
    lines = {row["name"]: row["location"] for row in report["vulnerabilities"]}
    assert lines["eval runs a text as code"] == {"file": "shop/sums.py", "start_line": 10}


def test_a_secret_is_found_and_not_repeated_in_the_report(bad: dict[str, Any]) -> None:
    report = bad["gl-secret-detection-report.json"]
    assert found(report) == {("gitlab_token", "Critical"), ("password", "Critical")}
    assert {row["location"]["file"] for row in report["vulnerabilities"]} == {"deploy/token.env"}
    assert TOKEN not in json.dumps(report)


def test_a_dependency_with_an_advisory_is_found_and_the_mended_version_is_not(bad: dict[str, Any]) -> None:
    report = bad["gl-dependency-scanning-report.json"]
    assert found(report) == {("SHOP-ADV-0001", "High")}
    assert report["vulnerabilities"][0]["location"]["dependency"] == {
        "package": {"name": "receipt-printer"},
        "version": "1.1.0",
    }
    assert len(report["dependency_files"][0]["dependencies"]) == 2


def test_a_base_image_that_is_not_allowed_and_root_are_found(bad: dict[str, Any]) -> None:
    report = bad["gl-container-scanning-report.json"]
    assert found(report) == {("base_image", "High"), ("root_user", "Medium")}
    assert report["vulnerabilities"][0]["location"]["image"] == "python:latest"


def test_long_and_winding_functions_are_found(bad: dict[str, Any]) -> None:
    rows = [(row["check_name"], row["location"]["path"]) for row in bad["gl-code-quality-report.json"]]
    assert rows == [("long-function", "shop/long.py"), ("complex-function", "shop/long.py")]


def test_the_bill_of_materials_names_licences_where_they_are_known(bad: dict[str, Any]) -> None:
    rows = {row["name"]: row.get("licenses") for row in bad["gl-sbom.cdx.json"]["components"]}
    assert rows == {
        "Python": [{"license": {"id": "PSF-2.0"}}],
        "receipt-printer": [{"license": {"id": "MIT"}}],
        "tiny-charts": None,
    }


def test_a_way_back_that_is_missing_or_wrong_makes_a_migration_irreversible(bad: dict[str, Any]) -> None:
    rows = {row["id"]: (row["reversible"], row.get("reason")) for row in bad["migrations.json"]["migrations"]}
    assert rows == {
        "0001_catalogue": (True, None),
        "0002_orders": (True, None),
        "0003_gone": (False, "there is no .down.sql"),
        "0004_half": (False, "the way back does not bring back the tables as they were"),
        "0005_wrong": (False, "no such table: right"),
    }


@pytest.mark.parametrize("kind", ["sast", "secret-detection", "dependency-scanning", "container-scanning"])
def test_a_security_report_has_what_gitlabs_schema_requires(
    good: dict[str, Any], bad: dict[str, Any], kind: str
) -> None:
    for reports in (good, bad):
        report = reports[f"gl-{kind}-report.json"]
        assert report["version"].startswith("15.")
        scan = report["scan"]
        assert (scan["type"], scan["status"]) == (kind.replace("-", "_"), "success")
        for tool in (scan["analyzer"], scan["scanner"]):
            assert all((tool["id"], tool["name"], tool["version"], tool["vendor"]["name"]))
        assert scan["start_time"] <= scan["end_time"]
        ids = [row["id"] for row in report["vulnerabilities"]]
        assert len(set(ids)) == len(ids)
    assert bad[f"gl-{kind}-report.json"]["vulnerabilities"]


def test_the_shop_as_it_is_has_no_finding(good: dict[str, Any]) -> None:
    assert [name for name, report in good.items() if "vulnerabilities" in report and found(report)] == []
    assert good["gl-code-quality-report.json"] == []
    assert all(row["reversible"] for row in good["migrations.json"]["migrations"])
    size = next(line for line in good["metrics.txt"].splitlines() if not line.startswith("#"))
    assert int(size.removeprefix("image_size_bytes ")) > 1000


def test_the_pipeline_leaves_every_report_as_gitlab_keeps_them_and_as_files(world: World) -> None:
    world.tag("1.3.0")
    pipeline = world.step("1.3.0", "verify")
    jobs = {row["name"]: row for row in world.api.get(f"pipelines/{pipeline['id']}/jobs").json()}
    kinds = {name: {row["file_type"] for row in job["artifacts"]} for name, job in jobs.items()}
    assert kinds["unit"] == {"archive", "trace", "junit", "cobertura"}
    assert kinds["scan"] == {
        *("archive", "trace", "sast", "secret_detection", "dependency_scanning", "container_scanning"),
        *("codequality", "cyclonedx", "metrics"),
    }
    root = ET.fromstring(world.api.get(f"jobs/{jobs['unit']['id']}/artifacts/reports/coverage.xml").content)
    assert f"{100 * float(root.attrib['line-rate']):.1f}" == f"{float(pipeline['coverage']):.1f}"
    lines = root.findall(".//line")
    assert (len(lines), sum(line.get("hits") == "1" for line in lines)) == (
        int(root.attrib["lines-valid"]),
        int(root.attrib["lines-covered"]),
    )
    migrations = world.api.get(f"jobs/{jobs['scan']['id']}/artifacts/reports/migrations.json").json()
    assert [row["id"] for row in migrations["migrations"]] == ["0001_catalogue", "0002_orders"]
