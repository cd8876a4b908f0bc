"""How every benchmark says what it measured: one JSON line per measure, always with the same fields."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence


def report(
    name: str, unit: str, figures: Sequence[float], floor: float | None = None, rounds: int = 0
) -> None:
    """`figures` are one per round (`rounds`: what else was counted); p95 and ratio are null where none is."""
    p50 = statistics.median(figures)
    p95 = statistics.quantiles(figures, n=20, method="inclusive")[-1] if len(figures) > 1 else None
    line = {
        "name": name,
        "unit": unit,
        "rounds": rounds or len(figures),
        "p50": round(p50, 4),
        "p95": p95 and round(p95, 4),
        "floor": floor and round(floor, 4),
        "ratio": floor and round(p50 / floor, 3),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)
