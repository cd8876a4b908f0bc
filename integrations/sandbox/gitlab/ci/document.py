"""From the text of `.gitlab-ci.yml` to one mapping: inputs, includes, `!reference` and `extends` resolved.

Sources: https://docs.gitlab.com/ci/yaml/ and https://docs.gitlab.com/ci/inputs/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from integrations.sandbox.gitlab.ci.shape import is_list, is_mapping
from integrations.yaml_loader import FastLoader

_DEEPEST_EXTENDS = 11
_DEEPEST_INCLUDE = 10
_INPUT = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")
_INTERPOLATION = re.compile(r"\$\[\[.*?\]\]")
_INPUT_KEYS = {"default", "description", "options", "regex", "type"}


class ConfigError(Exception):
    """The configuration is refused; `messages` says everything that is wrong with it."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = messages


class _Reference(list[str]):
    """A `!reference [job, keyword]` not yet looked up."""


class _Loader(FastLoader):
    pass


def _reference(loader: yaml.SafeLoader, node: yaml.Node) -> _Reference:
    if not isinstance(node, yaml.SequenceNode):
        raise ConfigError("!reference config should be an array")
    return _Reference(str(part) for part in loader.construct_sequence(node))


_Loader.add_constructor("!reference", _reference)


def read_document(text: str, inputs: Mapping[str, Any], include: Callable[[str], str]) -> dict[str, Any]:
    """The whole configuration as one mapping.

    `include(path)` gives the text of another file of the same commit (KeyError: there is none).

    Raises:
        ConfigError: the text, an input or an included file is wrong.
    """
    content = _with_includes(text, inputs, include, depth=0)
    content = {key: _without_references(value, content, depth=0) for key, value in content.items()}
    return {
        key: _extended(key, content, ()) if is_mapping(value) and "extends" in value else value
        for key, value in content.items()
    }


def _with_includes(
    text: str, inputs: Mapping[str, Any], include: Callable[[str], str], depth: int
) -> dict[str, Any]:
    if depth > _DEEPEST_INCLUDE:
        raise ConfigError("Maximum of nested includes are allowed!")
    spec, content = _parts(text)
    content = _interpolated(content, _input_values(spec, inputs))
    merged: dict[str, Any] = {}
    entries = content.pop("include", [])
    for entry in entries if is_list(entries) else [entries]:
        path, given = _local(entry)
        try:
            included = include(path)
        except KeyError:
            raise ConfigError(f"Local file `{path}` does not exist!") from None
        merged = merge(merged, _with_includes(included, given, include, depth + 1))
    return merge(merged, content)


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header's `spec` (empty if there is none) and the content."""
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))  # a SafeLoader with one tag more
    except yaml.YAMLError as error:
        raise ConfigError("Invalid configuration format: " + " ".join(str(error).split())) from None
    if not documents or not all(is_mapping(document) for document in documents):
        raise ConfigError("Invalid configuration format")
    if len(documents) > 2:
        raise ConfigError("config has too many documents")
    header: dict[str, Any] = documents[0] if len(documents) == 2 else {}
    spec: dict[str, Any] = header.get("spec") or {}
    unknown = sorted(set(header) - {"spec"}) or sorted(set(spec) - {"inputs"})
    if unknown:
        raise ConfigError(f"header config contains unknown keys: {', '.join(map(str, unknown))}")
    return spec, {str(key): value for key, value in documents[-1].items()}


def _local(entry: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(entry, str) and "://" not in entry:
        return entry.lstrip("/"), {}
    if is_mapping(entry) and "local" in entry:
        unknown = sorted(set(entry) - {"local", "inputs"})
        if unknown:
            raise ConfigError(f"include config contains unknown keys: {', '.join(unknown)}")
        return str(entry["local"]).lstrip("/"), entry.get("inputs") or {}
    raise ConfigError("include config: only local files are known to this sandbox")


def _input_values(spec: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    specified: dict[str, dict[str, Any] | None] = spec.get("inputs") or {}
    unknown = sorted(set(given) - set(specified))
    if unknown:
        raise ConfigError(f"Given inputs not defined in the `spec` section: {', '.join(unknown)}")
    return {name: _input_value(name, about or {}, given) for name, about in specified.items()}


def _input_value(name: str, about: dict[str, Any], given: Mapping[str, Any]) -> Any:
    unknown = sorted(set(about) - _INPUT_KEYS)
    if unknown:
        raise ConfigError(f"header:spec:inputs:{name} config contains unknown keys: {', '.join(unknown)}")
    if name not in given and "default" not in about:
        raise ConfigError(f"`{name}` input: required value has not been provided")
    value = given.get(name, about.get("default"))
    kinds: dict[str, Any] = {"string": str, "number": (int, float), "boolean": bool, "array": list}
    kind = about.get("type", "string")
    if kind not in kinds:
        raise ConfigError(f"header:spec:inputs:{name} input type unknown value: {kind}")
    if not isinstance(value, kinds[kind]) or (kind == "number" and isinstance(value, bool)):
        raise ConfigError(f"`{name}` input: provided value is not a {kind}")
    if "options" in about and value not in about["options"]:
        raise ConfigError(
            f"`{name}` input: `{value}` cannot be used because it is not in the list of options"
        )
    if "regex" in about and not re.search(str(about["regex"]), str(value)):
        raise ConfigError(f"`{name}` input: provided value does not match required RegEx pattern")
    return value


def _interpolated(value: Any, inputs: Mapping[str, Any]) -> Any:
    if is_mapping(value):
        return {_interpolated(key, inputs): _interpolated(item, inputs) for key, item in value.items()}
    if isinstance(value, _Reference):
        return value
    if is_list(value):
        return [_interpolated(item, inputs) for item in value]
    if not isinstance(value, str) or "$[[" not in value:
        return value
    whole = _INPUT.fullmatch(value)
    if whole is not None:
        return _input(whole[1], inputs)
    filled = _INPUT.sub(lambda match: _text(_input(match[1], inputs)), value)
    if _INTERPOLATION.search(filled):
        raise ConfigError(f"unknown interpolation: {filled}")
    return filled


def _input(name: str, inputs: Mapping[str, Any]) -> Any:
    if name not in inputs:
        raise ConfigError(f"unknown interpolation key: `{name}`")
    return inputs[name]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings are merged, everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merge(below, value) if is_mapping(below) and is_mapping(value) else value
    return result


def _without_references(value: Any, content: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEEPEST_INCLUDE:
        raise ConfigError("!reference is nested too deep or in a circle")
    if isinstance(value, _Reference):
        found: Any = content
        for part in value:
            if not is_mapping(found) or part not in found:
                raise ConfigError(f"!reference {list(value)!r} could not be found")
            found = found[part]
        return _without_references(found, content, depth + 1)
    if is_mapping(value):
        return {key: _without_references(item, content, depth) for key, item in value.items()}
    if is_list(value):
        return [_without_references(item, content, depth) for item in value]
    return value


def _extended(name: str, content: Mapping[str, Any], way: tuple[str, ...]) -> dict[str, Any]:
    if name in way:
        raise ConfigError(f"{way[0]}: circular dependency detected in `extends`")
    if len(way) >= _DEEPEST_EXTENDS:
        raise ConfigError(f"{way[0]}: nesting too deep in `extends`")
    job = content.get(name)
    if not is_mapping(job):
        raise ConfigError(f"{way[-1] if way else name}: unknown key in `extends` ({name})")
    parents = job.get("extends", [])
    result: dict[str, Any] = {}
    for parent in parents if is_list(parents) else [parents]:
        result = merge(result, _extended(str(parent), content, (*way, name)))
    return merge(result, {key: value for key, value in job.items() if key != "extends"})
