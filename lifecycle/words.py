"""Texts cut into the words they are compared by: stemmed, without the commonest, `CamelCase` split."""

import re
from typing import Protocol, cast

import Stemmer

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_COMMON = """
a an and are as at be but by can do does for from has have i if in into is it its my no not of on or so such
that the their then there these they this to was we when will with you your
"""
_STOP = frozenset(_COMMON.split())


class _Stemmer(Protocol):
    def stemWords(self, words: list[str]) -> list[str]: ...  # noqa: N802  # its name in the library


def stems(words: list[str]) -> list[str]:
    """Cut lower-case words down to their English stems, so that `crashes` finds `crashing`.

    Source: Snowball's English stemmer, https://snowballstem.org/algorithms/english/stemmer.html
    """
    # One per text: it costs a microsecond, and the library's stemmer may not be shared by threads.
    stemmer = cast("_Stemmer", Stemmer.Stemmer("english", 0))  # pyright: ignore[reportUnknownMemberType]
    return stemmer.stemWords(words)


def terms(text: str) -> list[str]:
    """Return the stemmed words of a text in order, and the parts of `CamelCase` ones besides the whole."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found.append(word.lower())
        if not (word.islower() or word.isupper() or word.isdigit()):
            parts: list[str] = _CAMEL.findall(word)
            if len(parts) > 1:
                found += map(str.lower, parts)
    return stems([word for word in found if word not in _STOP])
