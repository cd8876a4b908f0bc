"""Which earlier requests say the same: an incremental text index. It ranks; only a person merges.

The score is the weighted mean of three shares, times a mild preference for recent requests and for those of
the same component:

- BM25F over title and body, the query's own terms saturated as well, divided by what the query would score
  against itself, so that scores of different queries compare;
- how much of the query's title the earlier request says anywhere, by how rare its words are;
- how many words of the earlier title the query says anywhere.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond,
https://doi.org/10.1561/1500000019
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lifecycle.postings import Postings, Rows, Table
from lifecycle.words import terms


class Tuning(NamedTuple):
    """The ranking's constants, chosen on a public tracker's older duplicates. `*_b`: 0 to below 1."""

    title: float = 8.0
    body: float = 1.0
    title_b: float = 0.75
    body_b: float = 0.9
    k1: float = 10.0
    query_k: float = 8.0
    lead: int = 300
    """So many characters at the start of a body say what it is about; the rest are steps and logs."""
    lead_times: int = 3
    """So many times the words of the lead count."""
    asked_title: float = 0.3
    """What the share of the query's title counts for, where the BM25F score counts 1."""
    earlier_title: float = 0.2
    component: float = 0.1
    """What is taken off where no component is shared; twice that where both have only others."""
    recency_floor: float = 0.7
    recency_days: float = 180.0
    longest_text: int = 20_000
    """Characters that are read of a title and of a body; what comes after is mostly logs."""
    postings: int = 700_000
    """Entries that one query may look at; its weightiest terms come first."""


TUNED = Tuning()

Scores: TypeAlias = NDArray[np.floating[Any]]
"""One figure for every request, by its place."""

_DOC = np.dtype(
    [
        ("at", np.float64),
        ("title", np.int32),
        ("title_terms", np.int32),
        ("body", np.int32),
        ("components", np.int32),
    ]
)
"""When a request was made, and how many words, different title words and components it has."""


class _Text(NamedTuple):
    title: Counter[str]
    body: Counter[str]


class _Weights(NamedTuple):
    """What a term of the query is worth: how rare it is, and that times how much the query says it."""

    rarity: float
    said: float


class Index:
    """Requests, found again by what they say. Adding is incremental; nothing is ever taken out."""

    def __init__(self, tuning: Tuning = TUNED) -> None:
        self._t = tuning
        self._ids: list[str] = []
        self._known: set[str] = set()
        self._docs = Table(_DOC)
        self._terms = Postings()
        self._components = Postings()
        self._title_words = 0
        self._body_words = 0

    def __len__(self) -> int:
        return len(self._ids)

    def add(
        self,
        id: str,  # noqa: A002
        title: str,
        body: str,
        created: datetime,
        components: Collection[str] = (),
    ) -> None:
        """Take a request in. An id that is there already is left as it was first said.

        `created`: aware. `components`: the parts of the product it is about, each once, where they are known.
        """
        if id in self._known:
            return
        place, text = len(self._ids), self._read(title, body)
        title_words, body_words = text.title.total(), text.body.total()
        self._docs.append((created.timestamp(), title_words, len(text.title), body_words, len(components)))
        self._known.add(id)
        self._ids.append(id)
        self._title_words += title_words
        self._body_words += body_words
        for term in text.title | text.body:
            self._terms.add(term, place, text.title[term], text.body[term])
        for component in components:
            self._components.add(component, place, 0, 0)

    def rank(
        self, title: str, body: str, created: datetime, k: int = 5, components: Collection[str] = ()
    ) -> list[tuple[str, float]]:
        """Return up to `k` requests that are most alike, best first, with scores of 0..1.

        About 1 is the same text at the same time; `created` (aware) is when the question was asked. Equal
        ones come in the order they were added.
        """
        text = self._read(title, body)
        if not (text.title or text.body) or not self._ids:
            return []
        scores = self._alike(text) * self._recency(created) * self._same_component(components)
        return [(self._ids[place], min(1.0, float(scores[place]))) for place in _best(scores, k)]

    def _read(self, title: str, body: str) -> _Text:
        t = self._t
        words = Counter(terms(body[: t.longest_text]))
        lead = Counter(terms(body[: t.lead]))
        for term, times in lead.items():
            words[term] += times * (t.lead_times - 1)
        return _Text(Counter(terms(title[: t.longest_text])), words)

    def _alike(self, text: _Text) -> Scores:
        """Return for every request, by place, the weighted mean of the three shares."""
        t, count = self._t, len(self._ids)
        title = _damped(t.title, t.title_b, self._docs.column("title"), self._title_words / count)
        body = _damped(t.body, t.body_b, self._docs.column("body"), self._body_words / count)
        weights = self._weights(text)
        score, asked, earlier = np.zeros((3, count), np.float32)
        for term, entries in self._looked_at(weights):
            places = entries["place"].astype(np.intp)
            said = body.take(places) * entries["body"]
            in_title = entries["title"].nonzero()[0]
            titled = places.take(in_title)
            said[in_title] += title.take(titled) * entries["title"].take(in_title)
            said /= said + np.float32(t.k1)
            # Much faster than `score[places] += ...`, and every place is there once.
            np.add.at(score, places, said * np.float32(weights[term].said))
            earlier[titled] += 1
            if term in text.title:
                asked[places] += np.float32(weights[term].rarity)
        score /= self._own(text, weights)
        if not text.title:
            return score
        asked /= math.fsum(weights[term].rarity for term in text.title)
        earlier /= np.maximum(1, self._docs.column("title_terms"))
        whole = 1 + t.asked_title + t.earlier_title
        return (score + t.asked_title * asked + t.earlier_title * earlier) / whole

    def _weights(self, text: _Text) -> dict[str, _Weights]:
        t, count = self._t, len(self._ids)
        weights: dict[str, _Weights] = {}
        for term in text.title | text.body:
            seen = self._terms.count(term)
            rarity = math.log(1 + (count - seen + 0.5) / (seen + 0.5))
            said = t.title * text.title[term] + t.body * text.body[term]
            weights[term] = _Weights(rarity, rarity * said / (said + t.query_k))
        return weights

    def _own(self, text: _Text, weights: Mapping[str, _Weights]) -> float:
        """Return what the query would score by BM25F, were it a request itself."""
        t, count = self._t, len(self._ids)
        lengths = np.array([text.title.total(), text.body.total()])
        title = float(_damped(t.title, t.title_b, lengths[:1], self._title_words / count)[0])
        body = float(_damped(t.body, t.body_b, lengths[1:], self._body_words / count)[0])
        said = {term: title * text.title[term] + body * text.body[term] for term in weights}
        return math.fsum(weights[term].said * much / (much + t.k1) for term, much in said.items())

    def _looked_at(self, weights: Mapping[str, _Weights]) -> Iterator[tuple[str, Rows]]:
        left = self._t.postings
        for term in sorted(weights, key=lambda term: (-weights[term].said, term)):
            entries = self._terms.entries(term)
            left -= len(entries)
            if left < 0:
                break
            yield term, entries

    def _recency(self, asked_at: datetime) -> Scores:
        floor = self._t.recency_floor
        age_s = np.maximum(0.0, asked_at.timestamp() - self._docs.column("at"))
        return floor + (1 - floor) * np.exp(-age_s / (self._t.recency_days * 86_400))

    def _same_component(self, components: Collection[str]) -> Scores | float:
        """Return 1 where all components are the same, and less where none is; 1 where nothing is known."""
        if not components:
            return 1.0
        theirs = self._docs.column("components")
        shared = np.zeros(len(self._ids))
        for component in components:
            shared[self._components.entries(component)["place"]] += 1
        same = shared / (len(components) + theirs - shared)
        others = (theirs > 0) & (shared == 0)
        return 1 - self._t.component * (1 - same + others)


def _damped(weight: float, b: float, words: NDArray[np.integer[Any]], mean: float) -> Scores:
    """Return what one occurrence counts for in texts of so many words: less in longer ones."""
    damped = weight / (1 - b + b * words / max(1.0, mean))
    return damped.astype(np.float32)


def _best(scores: Scores, k: int) -> list[int]:
    """Return the places of the `k` best scores above 0, best first, equal ones in order."""
    if k < 1:
        return []
    least = np.partition(scores, -k)[-k] if k < len(scores) else 0.0
    places = np.flatnonzero((scores >= least) & (scores > 0))
    order = np.argsort(-scores[places], kind="stable")[:k]
    return places[order].tolist()
