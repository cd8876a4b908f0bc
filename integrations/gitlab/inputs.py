"""Which inputs a project's pipelines take: what the header of its `.gitlab-ci.yml` declares.

Source: https://docs.gitlab.com/ci/inputs/ (in the pipelines API since GitLab 18.1)
"""

from __future__ import annotations

import re
from typing import cast

import yaml

SINCE = (18, 1)


def are_known(version: str) -> bool:
    """Whether a GitLab of this version starts pipelines with inputs; an older one drops them silently."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= SINCE


def declared(configuration: str, shown: str) -> frozenset[str]:
    """The inputs that the configuration declares; none if its pipelines' names do not show `shown`.

    GitLab does not tell with which inputs a pipeline was started, so it can only be found by its name.
    """
    header, mark, content = configuration.partition("\n---")
    if not mark or not re.search(rf"^\s+name:.*\b{re.escape(shown)}\b", content, re.MULTILINE):
        return frozenset()
    try:
        found: object = yaml.safe_load(header)
    except (yaml.YAMLError, RecursionError):
        return frozenset()
    for key in ("spec", "inputs"):
        found = cast("dict[object, object]", found).get(key) if isinstance(found, dict) else None
    names = cast("dict[object, object]", found) if isinstance(found, dict) else {}
    return frozenset(map(str, names))
