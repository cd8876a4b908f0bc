"""Which earlier requests say the same: an incremental text index. It ranks; only a person merges.

The ranking is BM25F over title and body, with the query's own terms saturated as well, divided by what the
query would score against itself (so that scores of different queries compare), times a mild preference for
recent requests.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond,
https://doi.org/10.1561/1500000019
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from heapq import nlargest
from typing import NamedTuple

from lifecycle.words import terms


class Tuning(NamedTuple):
    """The ranking's constants, tuned on one public tracker's older duplicates. `*_b`: 0 to below 1."""

    title: float = 8.0
    body: float = 1.0
    title_b: float = 0.75
    body_b: float = 0.9
    k1: float = 10.0
    query_k: float = 8.0
    recency_floor: float = 0.7
    recency_days: float = 180.0
    longest_text: int = 20_000
    """Characters that are read of a title and of a body; what comes after is mostly logs."""
    postings: int = 120_000
    """Entries that one query may look at; its rarest terms come first."""


TUNED = Tuning()


class _Doc(NamedTuple):
    title: Counter[str]
    body: Counter[str]


class Index:
    """Requests, found again by what they say. Adding is incremental; nothing is ever taken out."""

    def __init__(self, tuning: Tuning = TUNED) -> None:
        self._t = tuning
        self._ids: list[str] = []
        self._at: array[float] = array("d")
        self._places: dict[str, int] = {}
        self._postings: dict[str, tuple[array[int], array[float]]] = {}
        self._lengths = [0, 0]

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str, title: str, body: str, created: datetime) -> None:  # noqa: A002
        """Take a request in. An id that is there already is left as it was first said.

        `created`: aware.
        """
        if id in self._places:
            return
        place = self._places[id] = len(self._ids)
        self._ids.append(id)
        self._at.append(created.timestamp())
        doc = self._read(title, body)
        self._lengths[0] += doc.title.total()
        self._lengths[1] += doc.body.total()
        for term, impact in self._impacts(doc).items():
            places, impacts = self._postings.setdefault(term, (array("i"), array("f")))
            places.append(place)
            impacts.append(impact)

    def rank(self, title: str, body: str, created: datetime, k: int = 5) -> list[tuple[str, float]]:
        """Return up to `k` requests that are most alike, best first, with scores of 0..1.

        About 1 is the same text at the same time; `created` (aware) is when the question was asked. Equal
        ones come in the order they were added.
        """
        doc = self._read(title, body)
        weights = self._weights(doc)
        own = self._impacts(doc)
        whole = math.fsum(weight * own[term] for term, weight in weights.items())
        if not whole:
            return []
        alike = self._collect(weights)
        asked = created.timestamp()
        least = min(nlargest(k, alike), default=0.0) * self._t.recency_floor
        best = (
            (raw / whole * self._recency(asked - self._at[place]), -place)
            for place, raw in enumerate(alike)
            if raw >= least and raw > 0
        )
        return [(self._ids[-place], min(1.0, score)) for score, place in nlargest(k, best)]

    def _read(self, title: str, body: str) -> _Doc:
        longest = self._t.longest_text
        return _Doc(Counter(terms(title[:longest])), Counter(terms(body[:longest])))

    def _impacts(self, doc: _Doc) -> dict[str, float]:
        """Return each term's saturated weight in the text, 0..1, by the mean lengths so far."""
        t, count = self._t, max(1, len(self._ids))
        mean_title, mean_body = (max(1.0, length / count) for length in self._lengths)
        title = t.title / (1 - t.title_b + t.title_b * doc.title.total() / mean_title)
        body = t.body / (1 - t.body_b + t.body_b * doc.body.total() / mean_body)
        found = {term: title * n for term, n in doc.title.items()}
        for term, n in doc.body.items():
            found[term] = found.get(term, 0.0) + body * n
        return {term: weight / (weight + t.k1) for term, weight in found.items()}

    def _weights(self, doc: _Doc) -> dict[str, float]:
        """Return what each term of the query is worth: how rare it is, how much the query says it."""
        t, count = self._t, len(self._ids)
        weights: dict[str, float] = {}
        for term in doc.title | doc.body:
            said = t.title * doc.title[term] + t.body * doc.body[term]
            seen = len(self._postings[term][0]) if term in self._postings else 0
            weights[term] = math.log(1 + (count - seen + 0.5) / (seen + 0.5)) * said / (said + t.query_k)
        return weights

    def _collect(self, weights: Mapping[str, float]) -> list[float]:
        alike = [0.0] * len(self._ids)
        left = self._t.postings
        for term in sorted(weights, key=lambda term: (-weights[term], term)):
            places, impacts = self._postings.get(term, _NOTHING)
            left -= len(places)
            if left < 0:
                break
            weight = weights[term]
            for place, impact in zip(places, impacts, strict=True):
                alike[place] += weight * impact
        return alike

    def _recency(self, age_s: float) -> float:
        floor = self._t.recency_floor
        return floor + (1 - floor) * math.exp(-max(0.0, age_s) / (self._t.recency_days * 86_400))


_NOTHING: "tuple[array[int], array[float]]" = (array("i"), array("f"))
