"""Whether a licence, or an SPDX expression of several, is among those that are allowed."""

from __future__ import annotations

import re
from collections.abc import Collection

_TOKEN = re.compile(r"\(|\)|[^\s()]+")


def allowed(expression: str, ids: Collection[str]) -> bool:
    """Whether the expression can be fulfilled with `ids`; case does not count.

    One of `A OR B` is enough, `A AND B` needs both, `A WITH exception` is allowed as it stands or as `A`.
    What is no expression is compared as a whole: a licence's name.

    Source: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
    """
    known = {each.casefold() for each in ids}
    if " ".join(expression.split()).casefold() in known:
        return True
    rest = _TOKEN.findall(expression)
    try:
        return _any_of(rest, known) and not rest
    except IndexError:  # it ends in the middle
        return False


def _any_of(rest: list[str], known: set[str]) -> bool:
    found = _all_of(rest, known)
    while rest and rest[0].upper() == "OR":
        rest.pop(0)
        found = _all_of(rest, known) or found
    return found


def _all_of(rest: list[str], known: set[str]) -> bool:
    found = _one(rest, known)
    while rest and rest[0].upper() == "AND":
        rest.pop(0)
        found = _one(rest, known) and found
    return found


def _one(rest: list[str], known: set[str]) -> bool:
    token = rest.pop(0)
    if token == "(":  # noqa: S105  # a bracket, no password
        found = _any_of(rest, known)
        return rest.pop(0) == ")" and found
    if rest and rest[0].upper() == "WITH":
        rest.pop(0)
        exception = rest.pop(0)
        return bool({token.casefold(), f"{token} with {exception}".casefold()} & known)
    return token.casefold() in known
