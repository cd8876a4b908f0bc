"""What a candidate changes since the version in production: which files are migrations, which are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

KEPT = 500
"""So many paths of a candidate go on the ledger."""

_WILD = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(maxsize=100)
def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", glob)
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in parts), re.DOTALL)


def migrations(files: Iterable[str], globs: Sequence[str]) -> tuple[str, ...]:
    """Those of `files` that one of `globs` matches, in their order.

    `*` and `?` stay within a folder, `**` goes through any number of them: `**/migrations/**` is every
    file below a folder of that name, wherever it stands.
    """
    return tuple(path for path in files if matches(path, globs))


def matches(name: str, globs: Sequence[str]) -> bool:
    """Whether one of `globs` is the whole `name`; wildcards as in `migrations`."""
    return any(_pattern(glob).fullmatch(name) for glob in globs)


def kept(files: Iterable[str], globs: Sequence[str], most: int = KEPT) -> tuple[str, ...]:
    """The first `most` of `files`, each once, migrations before all others: they must not fall out."""
    each = tuple(dict.fromkeys(files))
    flagged = migrations(each, globs)
    others = set(each) - set(flagged)
    return (*flagged, *(path for path in each if path in others))[:most]
