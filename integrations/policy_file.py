"""The policy file as plain data; what it means is `lifecycle.policy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml

from integrations.errors import NotFound, Refused
from integrations.yaml_loader import FastLoader


def read(path: Path) -> dict[str, object]:
    """The YAML mapping in `path`.

    Raises:
        NotFound: no such file: copy conveyor.example.yaml, or set CONVEYOR_POLICY.
        Refused: the file is not YAML, or not a mapping.
    """
    try:
        data: Any = yaml.load(path.read_text(encoding="utf-8"), FastLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise NotFound("policy", "read", str(path), detail="set CONVEYOR_POLICY") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused("policy", "read", str(path), detail=" ".join(str(error).split())) from None
    if not isinstance(data, dict):
        raise Refused("policy", "read", str(path), detail="not a mapping")
    mapping = cast("dict[object, object]", data)
    return {str(key): value for key, value in mapping.items()}
