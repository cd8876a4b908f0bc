"""How fast duplicates are found, and how well: `python -m tests.benchmarks.duplicates`, JSON lines.

The speed is that of an index of 100,000 requests with synthetic texts: words from a Zipf-Mandelbrot
vocabulary by a fixed seed, a title of about 8 and a body of about 60 words, one body in twenty ten times as
long, a tenth of the titles begun like an earlier one. Milliseconds by the clock and of CPU for one query and
for one added request, and this process's peak memory, which has the index but not the texts.

How well: recall and mean reciprocal rank of known duplicates in two public trackers, by the protocol of the
evaluator in ../shared; nothing is said of it where that folder is absent. The constants were chosen on
titanium's duplicates before the `test` split, with a look at hadoop's.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from lifecycle.duplicates import Index
from tests.benchmarks.report import report

REQUESTS = 100_000
QUERIES = 500
START = datetime(2020, 1, 1, tzinfo=UTC)
SHARED = Path("../shared")
RANK = f"{sys.executable} -m deployments.cli.main requests rank"

Wish = tuple[str, str]


def wishes(seed: int) -> Iterator[Wish]:
    """Titles and bodies without end, the same for the same seed."""
    chance = np.random.default_rng(seed)
    words = [_word(number) for number in range(400_000)]
    shares = (np.arange(len(words)) + 5.0) ** -1.1
    reach = np.cumsum(shares / shares.sum())

    def said(mean: float) -> list[str]:
        length = int(chance.lognormal(np.log(mean), 0.6)) + 1
        return [words[place] for place in np.searchsorted(reach, chance.random(length))]

    earlier: list[list[str]] = []
    while True:
        title, body = said(8), said(600 if chance.random() < 0.05 else 60)
        if earlier and chance.random() < 0.1:
            title = earlier[int(chance.integers(len(earlier)))][: len(title)] + title[:2]
        if len(earlier) < 1000:
            earlier.append(title)
        yield " ".join(title), " ".join(body)


def _word(number: int) -> str:
    """A word of its own for every number."""
    syllables, rest = "", number + 20
    while rest:
        rest, place = divmod(rest, 20)
        syllables += "bdfghklmnprstvzcwxjq"[place] + "aeiou"[place % 5]
    return syllables


def peak_mb() -> float:
    """The most memory this process ever had."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def speed() -> None:
    source, index = wishes(7), Index()
    adding, cpu_adding = list[float](), list[float]()
    for number, (title, body) in enumerate(islice(source, REQUESTS)):
        began, cpu = time.perf_counter(), time.process_time()
        index.add(f"SHOP-{number}", title, body, START + timedelta(minutes=20 * number))
        adding.append((time.perf_counter() - began) * 1000)
        cpu_adding.append((time.process_time() - cpu) * 1000)
    asking, cpu_asking = list[float](), list[float]()
    for title, body in islice(source, QUERIES):
        began, cpu = time.perf_counter(), time.process_time()
        index.rank(title, body, START + timedelta(minutes=20 * REQUESTS), 20)
        asking.append((time.perf_counter() - began) * 1000)
        cpu_asking.append((time.process_time() - cpu) * 1000)
    report(f"rank among {REQUESTS:,} requests", "ms", asking)
    report(f"rank among {REQUESTS:,} requests, CPU", "ms", cpu_asking)
    report(f"add, up to {REQUESTS:,} requests", "ms", adding)
    report(f"add, up to {REQUESTS:,} requests, CPU", "ms", cpu_adding)
    report(f"add, up to {REQUESTS:,} requests, mean", "ms", [sum(adding) / len(adding)], rounds=len(adding))
    report(f"peak memory at {REQUESTS:,} requests", "MB", [peak_mb()])


def retrieval(tracker: str, split: str) -> None:
    """What the evaluator says of the command line, each figure on its line."""
    evaluator = [sys.executable, SHARED / "duplicates/evaluate.py", SHARED / "backlog" / tracker]
    command = [*evaluator, "--cmd", RANK, "--split", split]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    for figure in ("r@1", "r@5", "r@10", "mrr"):
        report(f"{figure} on {tracker}, {split}", "share", [found[figure]], rounds=found["n"])


def main() -> None:
    speed()
    if not (SHARED / "duplicates/evaluate.py").exists():
        print("retrieval: not measured, ../shared is absent", file=sys.stderr)
        return
    retrieval("titanium", "dev")
    retrieval("titanium", "test")
    retrieval("hadoop", "test")


if __name__ == "__main__":
    main()
