"""Dependencies put in order: what may be done in parallel, and who waits for whom in a circle."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


class Cycle(Exception):
    """`keys` wait for each other in this order, the last for the first; a person has to cut a link."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        super().__init__(keys)
        self.keys = keys

    def __str__(self) -> str:
        return " waits for ".join((*self.keys, self.keys[0]))


def waves(keys: Sequence[str], blocks: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Order `keys` into waves: all of one wave may be done at once, after the waves before it.

    `blocks`: pairs (blocker, blocked); a pair with a key that is not asked for is left out. Each key comes
    in the earliest possible wave, in the order given.

    Raises:
        Cycle: some of them wait for each other.
    """
    blockers: dict[str, dict[str, None]] = {key: {} for key in keys}
    blocked: defaultdict[str, list[str]] = defaultdict(list)
    for blocker, waiting in blocks:
        if blocker in blockers and waiting in blockers and blocker not in blockers[waiting]:
            blockers[waiting][blocker] = None
            blocked[blocker].append(waiting)
    depth = _depths(blockers, blocked)
    if len(depth) < len(blockers):
        raise Cycle(_circle({key: of for key, of in blockers.items() if key not in depth}))
    found: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for key in blockers:
        found[depth[key]].append(key)
    return tuple(tuple(wave) for wave in found)


def _depths(blockers: Mapping[str, Mapping[str, None]], blocked: Mapping[str, list[str]]) -> dict[str, int]:
    """Return how many waves come before each key; keys in or behind a circle have none."""
    waiting = {key: len(of) for key, of in blockers.items()}
    ready = [key for key, count in waiting.items() if count == 0]
    depth: dict[str, int] = {}
    for key in ready:
        depth[key] = 1 + max((depth[blocker] for blocker in blockers[key]), default=-1)
        for after in blocked.get(key, ()):
            waiting[after] -= 1
            if waiting[after] == 0:
                ready.append(after)
    return depth


def _circle(stuck: Mapping[str, Mapping[str, None]]) -> tuple[str, ...]:
    """Follow one blocker after the other until a key comes again: each stuck key has a stuck blocker."""
    key = next(iter(stuck))
    path: dict[str, None] = {}
    while key not in path:
        path[key] = None
        key = next(blocker for blocker in stuck[key] if blocker in stuck)
    keys = list(path)
    return tuple(keys[keys.index(key) :])
