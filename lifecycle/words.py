"""Texts cut into the words they are compared by: stemmed, without the commonest, `CamelCase` split."""

import re
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_COMMON = """
a an and are as at be but by can do does for from has have i if in into is it its my no not of on or so such
that the their then there these they this to was we when will with you your
"""
_STOP = frozenset(_COMMON.split())

# ending, letters that must stay before it, what it becomes; the first that fits
_ENDINGS = (
    ("ations", 3, "at"),
    ("ation", 3, "at"),
    ("ingly", 3, ""),
    ("edly", 3, ""),
    ("ings", 3, ""),
    ("ing", 3, ""),
    ("ies", 2, "y"),
    ("sses", 2, "ss"),
    ("shes", 2, "sh"),
    ("ches", 2, "ch"),
    ("xes", 2, "x"),
    ("ed", 3, ""),
    ("ly", 3, ""),
    ("ment", 4, ""),
    ("ss", 0, "ss"),
    ("us", 0, "us"),
    ("s", 3, ""),
)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Cut the commonest English endings off a lower-case word, so that `crashes` finds `crashing`."""
    for ending, least, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            word = word[: -len(ending)] + instead
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def terms(text: str) -> Iterator[str]:
    """Yield the stemmed words of a text, and the parts of `CamelCase` ones besides the whole."""
    for word in _WORD.findall(text):
        lower = word.lower()
        if lower not in _STOP:
            yield stem(lower)
        if not (word.islower() or word.isupper() or word.isdigit()):
            parts = _CAMEL.findall(word)
            if len(parts) > 1:
                yield from (stem(part.lower()) for part in parts if part.lower() not in _STOP)
