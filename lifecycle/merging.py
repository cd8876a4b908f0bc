"""Requests that say the same, merged by a person: who asked is kept, and every merge can be taken back.

A merge is one arrow from a duplicate to its original. Each request keeps its own requesters; those of a group
are added up when asked for, so taking an arrow away restores exactly what was.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, model_validator


class SelfDuplicate(Exception):
    """`duplicate` and `original` are already one group; a request is never its own duplicate."""

    def __init__(self, duplicate: str, original: str) -> None:
        super().__init__(duplicate, original)
        self.duplicate = duplicate
        self.original = original

    def __str__(self) -> str:
        return f"{self.original} is already a duplicate of {self.duplicate}, or the same"


class AlreadyMerged(Exception):
    """`duplicate` was merged into `original` before; unmerge it first."""

    def __init__(self, duplicate: str, original: str) -> None:
        super().__init__(duplicate, original)
        self.duplicate = duplicate
        self.original = original

    def __str__(self) -> str:
        return f"{self.duplicate} is already a duplicate of {self.original}"


class Merges(BaseModel, frozen=True):
    """Who asked for what (`requesters`, by request) and which request is whose duplicate (`originals`)."""

    requesters: Mapping[str, tuple[str, ...]] = {}
    originals: Mapping[str, str] = {}

    @model_validator(mode="after")
    def _no_circle(self) -> "Merges":
        for key in self.originals:
            seen = {key}
            while key in self.originals:
                key = self.originals[key]
                if key in seen:
                    raise ValueError(f"{key} is its own duplicate")
                seen.add(key)
        return self


def original_of(state: Merges, key: str) -> str:
    """Return the request that stands for `key`, over any number of merges; itself if it was never merged."""
    while key in state.originals:
        key = state.originals[key]
    return key


def merge(state: Merges, duplicate: str, original: str) -> Merges:
    """Make `duplicate`, with all its own duplicates, a duplicate of whatever stands for `original`.

    Repeating it changes nothing.

    Raises:
        SelfDuplicate: the two are one, or `original` is a duplicate of `duplicate`.
        AlreadyMerged: `duplicate` belongs to another original; a person unmerges it first.
    """
    root = original_of(state, original)
    if duplicate == root:
        raise SelfDuplicate(duplicate, original)
    if duplicate in state.originals:
        if original_of(state, duplicate) == root:
            return state
        raise AlreadyMerged(duplicate, state.originals[duplicate])
    return state.model_copy(update={"originals": {**state.originals, duplicate: root}})


def unmerge(state: Merges, duplicate: str) -> Merges:
    """Take the merge of `duplicate` back; its own duplicates stay with it. Harmless where none is."""
    left = {key: original for key, original in state.originals.items() if key != duplicate}
    return state.model_copy(update={"originals": left})


def requesters_of(state: Merges, key: str) -> tuple[str, ...]:
    """Return everyone who asked for what `key` says, each once: the original's first, then as merged."""
    root = original_of(state, key)
    members = [root, *duplicates_of(state, root)]
    asked = (person for member in members for person in state.requesters.get(member, ()))
    return tuple(dict.fromkeys(asked))


def duplicates_of(state: Merges, original: str) -> tuple[str, ...]:
    """Return every request that `original` stands for, chains flattened, in the order of merging."""
    return tuple(k for k in state.originals if k != original and original_of(state, k) == original)


class Group(NamedTuple):
    """One request and those that say the same."""

    original: str
    duplicates: tuple[str, ...]


def groups(confirmed: Iterable[tuple[str, str]]) -> tuple[Group, ...]:
    """Group pairs (duplicate, original) that people confirmed, in the order they were confirmed.

    A pair that is one group already adds nothing. Where a duplicate was given two originals, both originals
    say the same too: the later one joins the group.
    """
    state = Merges()
    for duplicate, original in confirmed:
        if original_of(state, duplicate) != original_of(state, original):
            state = merge(state, original_of(state, duplicate), original)
    roots = dict.fromkeys(original_of(state, key) for key in state.originals)
    return tuple(Group(root, duplicates_of(state, root)) for root in roots)
