"""`conveyor policy ...`: whether the team's rules can be read as they are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from deployments.cli import say
from deployments.cli.say import Exit, Json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

app = App(name="policy", help="The policy file: people, projects, sign-offs, deadlines.")


@app.command
def check(file: Path | None = None, *, json: Json = False) -> None:
    """Name everything that is wrong with a policy file, by its path in it; ends with 1 if anything is.

    Example: `conveyor policy check conveyor.yaml`

    Parameters
    ----------
    file:
        The file; the one that CONVEYOR_POLICY names if left out.
    """
    from integrations.settings import settings

    path = file or settings().policy
    found = problems(path)
    if json:
        say.dump({"file": str(path), "ok": not found, "problems": found})
    else:
        for each in found:
            say.out(f"{each['path']}: {each['problem']}")
    if found:
        raise say.Stop(Exit.FAILED, f"{path}: {len(found)} problems")
    if not json:
        say.out(f"{path} is valid")


@app.command
def schema(*, to: Path | None = None) -> None:
    """Print the JSON Schema of the policy file, for editors and reviews.

    Example: `conveyor policy schema --to docs/policy.schema.json`

    Parameters
    ----------
    to:
        The file to write; stdout if left out.
    """
    text = schema_text()
    if to is None:
        say.out(text.removesuffix("\n"))
    else:
        to.write_text(text, encoding="utf-8")


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of the policy file, as docs/policy.schema.json holds it."""
    import json
    from datetime import timedelta

    from pydantic.json_schema import GenerateJsonSchema

    from lifecycle.calendar import duration_text
    from lifecycle.policy import Policy

    class Readable(GenerateJsonSchema):
        def encode_default(self, dft: object) -> Any:
            return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    made = Policy.model_json_schema(by_alias=True, schema_generator=Readable)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **made}, indent=2, ensure_ascii=False) + "\n"


def problems(path: Path) -> list[Mapping[str, str]]:
    """Everything that is wrong with the file: `path` in it (`people.0.slack`), `problem` in words.

    Raises:
        NotFound, Refused: there is no such file, or it is no YAML mapping.
    """
    from pydantic import ValidationError

    from integrations import policy_file
    from lifecycle.policy import Policy

    try:
        Policy.model_validate(policy_file.read(path))
    except ValidationError as error:
        found = error.errors(include_url=False)
        return [_problem(each) for each in found if not _is_echo(each, found)]
    return []


def _is_echo(error: Any, found: Sequence[Any]) -> bool:
    """Whether a list is called too short only because one of its items is wrong."""
    where = error["loc"]
    inside = any(len(e["loc"]) > len(where) and e["loc"][: len(where)] == where for e in found)
    return error["type"] == "too_short" and inside


def _problem(error: Any) -> Mapping[str, str]:
    where = ".".join(str(part) for part in error["loc"]) or "(file)"
    text = str(error["msg"]).removeprefix("Value error, ")
    return {"path": where, "problem": text}
