"""JQL's grammar, as far as this Jira speaks it: text to a tree. What the words mean is in `query`.

query  = [or] [ORDER BY field [ASC|DESC] {, field [ASC|DESC]}]
or     = and {OR and}         and = not {AND not}        not = NOT not | ( or ) | clause
clause = field (= | != | > | >= | < | <= | ~ | !~) value | field [NOT] IN ( value {, value} )
       | field IS [NOT] (EMPTY | NULL) | field CHANGED [AFTER value]
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.sandbox.jira.state import Problem


@dataclass(frozen=True)
class Clause:
    """One comparison: the field in small letters, an operator, its values (none for `is`)."""

    field: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Not:
    """The opposite."""

    part: Tree


@dataclass(frozen=True)
class Both:
    """All of the parts (`every`) or any of them."""

    parts: tuple[Tree, ...]
    every: bool


Tree = Clause | Not | Both


@dataclass(frozen=True)
class Query:
    """A parsed query: the restriction, if any, and the order as (field, descending)."""

    where: Tree | None
    order: tuple[tuple[str, bool], ...]


_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign><=|>=|!=|!~|=|<|>|~|\(|\)|,)
    |(?P<word>[^\s"'=<>!~(),]+))""",
    re.VERBOSE,
)
_COMPARE = {"=", "!=", "<", "<=", ">", ">=", "~", "!~"}


def parse(text: str) -> Query:
    """Parse `text`; a query that is outside the grammar answers 400 with the place."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        end = 0
        while text[end:].strip():
            found = _TOKEN.match(text, end)
            if found is None:
                raise _error(f"The character {text[end:].strip()[0]!r} is not understood")
            kind = found.lastgroup or ""
            self._tokens.append((kind, found[kind]))
            end = found.end()

    def query(self) -> Query:
        where = None if self._is("ORDER") or self._peek() is None else self._or()
        order = self._order() if self._take("ORDER") else ()
        if self._peek() is not None:
            raise _error(f"Expecting the end of the query but got '{self._next()}'")
        return Query(where, order)

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._expect("BY")
        order: list[tuple[str, bool]] = []
        while True:
            name = self._next().casefold()
            descending = self._take("DESC")
            if not descending:
                self._take("ASC")
            order.append((name, descending))
            if not self._take(","):
                return tuple(order)

    def _or(self) -> Tree:
        parts = [self._and()]
        while self._take("OR"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Both(tuple(parts), every=False)

    def _and(self) -> Tree:
        parts = [self._not()]
        while self._take("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Both(tuple(parts), every=True)

    def _not(self) -> Tree:
        if self._take("NOT"):
            return Not(self._not())
        if self._take("("):
            inner = self._or()
            self._expect(")")
            return inner
        return self._clause()

    def _clause(self) -> Tree:
        field = _unquote(self._next()).casefold()
        if self._take("IS"):
            negated = self._take("NOT")
            word = self._next().upper()
            if word not in ("EMPTY", "NULL"):
                raise _error(f"Expecting EMPTY after IS but got '{word}'")
            empty = Clause(field, "is")
            return Not(empty) if negated else empty
        if self._take("CHANGED"):
            return Clause(field, "changed", (self._value(),) if self._take("AFTER") else ())
        if self._take("NOT"):
            self._expect("IN")
            return Clause(field, "not in", self._list())
        if self._take("IN"):
            return Clause(field, "in", self._list())
        operator = self._next()
        if operator not in _COMPARE:
            raise _error(f"Expecting an operator after '{field}' but got '{operator}'")
        return Clause(field, operator, (self._value(),))

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> str:
        kind, text = self._peek() or ("", "")
        if kind not in ("quoted", "word"):
            raise _error(f"Expecting a value but got '{text or 'the end of the query'}'")
        self._at += 1
        if kind == "word" and self._is("("):
            self._expect("(")
            self._expect(")")
            return f"{text}()"
        return _unquote(text)

    def _peek(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise _error("The query ends too early")
        self._at += 1
        return token[1]

    def _is(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token[0] != "quoted" and token[1].upper() == word

    def _take(self, word: str) -> bool:
        taken = self._is(word)
        self._at += taken
        return taken

    def _expect(self, word: str) -> None:
        if not self._take(word):
            token = self._peek()
            got = f"'{token[1]}'" if token else "the end of the query"
            raise _error(f"Expecting '{word}' but got {got}")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] in "\"'" else text


def _error(message: str) -> Problem:
    return Problem(400, f"Error in the JQL Query: {message}.")
