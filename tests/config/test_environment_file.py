"""`.env.example` names every variable that is read, with the value that holds without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from integrations.settings import GitLabSettings, JiraSettings, PrometheusSettings, Settings, SlackSettings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
LISTED = dict(re.findall(r"^(?:# )?(CONVEYOR_\w+)=(.*)$", EXAMPLE, re.M))
READ = (Settings, JiraSettings, GitLabSettings, SlackSettings, PrometheusSettings)
COMMAND_LINE = {"CONVEYOR_PERSON"}


def names(model: type[BaseSettings]) -> set[str]:
    """The variables that a settings class reads."""
    prefix = model.model_config.get("env_prefix", "")
    nested = {n for n, f in model.model_fields.items() if f.default_factory is not None}
    return {f"{prefix}{name}".upper() for name in set(model.model_fields) - nested}


def test_every_variable_is_listed_and_nothing_else() -> None:
    assert set(LISTED) == {name for model in READ for name in names(model)} | COMMAND_LINE


@pytest.mark.parametrize("model", READ)
def test_the_listed_values_are_those_that_hold_anyway(
    model: type[BaseSettings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in LISTED:
        monkeypatch.delenv(name, raising=False)
    without = shown(model())
    for name, value in LISTED.items():
        monkeypatch.setenv(name, value)
    assert shown(model()) == without


def shown(settings: BaseModel) -> object:
    return settings.model_dump(mode="json")


def test_no_secret_has_a_value() -> None:
    secret = {name: value for name, value in LISTED.items() if re.search("TOKEN|SECRET", name)}
    assert set(secret.values()) == {""}
    assert len(secret) > 5


def test_variables_that_other_code_speaks_of_are_listed() -> None:
    places = [ROOT / name for name in ("integrations", "tasks", "flows", "deployments", "lifecycle")]
    named = {
        found
        for place in places
        for path in place.rglob("*.py")
        if "sandbox" not in path.parts
        for found in re.findall(r"\bset (CONVEYOR_\w+)", path.read_text())
    }
    assert named <= set(LISTED)
    assert "CONVEYOR_LINK_SECRET" in named
