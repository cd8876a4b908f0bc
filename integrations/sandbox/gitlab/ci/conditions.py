"""The language of `rules:if`, and the path patterns of `rules:changes` and `rules:exists`.

Source: https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<operator>==|!=|=~|!~|&&|\|\||\(|\))
      | \$(?P<variable>[A-Za-z_]\w*)
      | "(?P<double>[^"]*)"
      | '(?P<single>[^']*)'
      | (?P<null>null\b)
      | /(?P<pattern>(?:\\.|[^/\\])+)/(?P<flags>[ismU]*)
    )""",
    re.VERBOSE,
)
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE}


class ConditionError(ValueError):
    """The text is no valid expression."""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    flags: str = ""


def holds(expression: str, variables: Mapping[str, str]) -> bool:
    """Whether `expression` is true for these variables.

    Raises:
        ConditionError: the expression cannot be read.
    """
    parser = _Parser(_tokens(expression), variables)
    result = parser.either()
    if parser.rest():
        raise ConditionError("invalid expression syntax")
    return result


def _tokens(expression: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while expression[at:].strip():
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ConditionError("invalid expression syntax")
        at = match.end()
        kind = str(match.lastgroup)
        if kind == "flags":
            kind = "pattern"
        tokens.append(_Token(kind, match[kind], match["flags"] or ""))
    if not tokens:
        raise ConditionError("invalid expression syntax")
    return tokens


class _Parser:
    """Recursive descent: `||` binds least, then `&&`, then a comparison."""

    def __init__(self, tokens: Sequence[_Token], variables: Mapping[str, str]) -> None:
        self._tokens = list(tokens)
        self._variables = variables

    def rest(self) -> bool:
        return bool(self._tokens)

    def either(self) -> bool:
        result = self._both()
        while self._taken("||"):
            following = self._both()
            result = result or following
        return result

    def _both(self) -> bool:
        result = self._comparison()
        while self._taken("&&"):
            following = self._comparison()
            result = result and following
        return result

    def _comparison(self) -> bool:
        if self._taken("("):
            result = self.either()
            if not self._taken(")"):
                raise ConditionError("invalid expression syntax")
            return result
        left = self._value(self._next())
        for operator in ("==", "!=", "=~", "!~"):
            if self._taken(operator):
                return self._compare(left, operator, self._next())
        return bool(left)

    def _compare(self, left: str | None, operator: str, right: _Token) -> bool:
        if operator in ("=~", "!~"):
            found = left is not None and self._pattern(right).search(left) is not None
            return found == (operator == "=~")
        return (left == self._value(right)) == (operator == "==")

    def _pattern(self, token: _Token) -> re.Pattern[str]:
        if token.kind == "pattern":
            return _compiled(token.text, token.flags)
        text = self._value(token) or ""
        written = re.fullmatch(r"/(.+)/([ismU]*)", text)
        if written is None:
            raise ConditionError("invalid expression syntax")
        return _compiled(written[1], written[2])

    def _value(self, token: _Token) -> str | None:
        if token.kind == "variable":
            return self._variables.get(token.text)
        if token.kind in ("double", "single"):
            return token.text
        if token.kind == "null":
            return None
        raise ConditionError("invalid expression syntax")

    def _taken(self, operator: str) -> bool:
        if self._tokens and self._tokens[0] == _Token("operator", operator):
            del self._tokens[0]
            return True
        return False

    def _next(self) -> _Token:
        if not self._tokens:
            raise ConditionError("invalid expression syntax")
        return self._tokens.pop(0)


def _compiled(pattern: str, flags: str) -> re.Pattern[str]:
    options = 0
    for flag in flags:
        options |= _FLAGS.get(flag, 0)
    try:
        return re.compile(pattern, options)
    except re.error as error:
        raise ConditionError("invalid expression syntax") from error


def any_path_matches(patterns: Iterable[str], paths: Iterable[str]) -> bool:
    """Whether one of `paths` fits one of the glob `patterns` (`**/` spans folders, `{a,b}` is a choice)."""
    compiled = [re.compile(_glob(pattern)) for pattern in patterns]
    return any(pattern.fullmatch(path) for path in paths for pattern in compiled)


def _glob(pattern: str) -> str:
    pieces: list[str] = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]*\]|\{[^}]*\}|.", pattern):
        match token:
            case "**/":
                pieces.append("(?:[^/]+/)*")
            case "**":
                pieces.append(".*")
            case "*":
                pieces.append("[^/]*")
            case "?":
                pieces.append("[^/]")
            case _ if token.startswith("{") and len(token) > 2:
                pieces.append("(?:" + "|".join(_glob(part) for part in token[1:-1].split(",")) + ")")
            case _ if token.startswith("[") and len(token) > 2:
                pieces.append(token.replace("[!", "[^"))
            case _:
                pieces.append(re.escape(token))
    return "".join(pieces)
