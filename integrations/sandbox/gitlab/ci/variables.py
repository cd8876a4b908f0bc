"""Variables as GitLab expands them: `$NAME` and `${NAME}`, `$$` for a dollar sign."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$|\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` with its references replaced; an unknown variable is empty."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else variables.get(match[1] or match[2], "")

    return _REFERENCE.sub(value, text)


def settle(layers: Mapping[str, str]) -> dict[str, str]:
    """Every variable with the references among them replaced.

    What refers to an unknown variable, or round in a circle, keeps that reference as it is written.

    Source: https://docs.gitlab.com/ci/variables/where_variables_can_be_used/
    """
    settled: dict[str, str] = {}

    def value(name: str, way: tuple[str, ...]) -> str:
        if name in settled:
            return settled[name]

        def referred(match: re.Match[str]) -> str:
            other = match[1] or match[2]
            if match[0] == "$$":
                return "$"
            if other not in layers or other in way:
                return match[0]
            return value(other, (*way, other))

        result = _REFERENCE.sub(referred, layers[name])
        if len(way) == 1:
            settled[name] = result
        return result

    return {name: value(name, (name,)) for name in layers}
