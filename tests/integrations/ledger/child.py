"""A process of its own that uses a ledger: `child.py URL upgrade` or `child.py URL append NAME COUNT`.

It says "ready", waits for a line, then works, and says each key once its append is acknowledged.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from integrations.ledger import Ledger, NewEvent


def main(url: str, command: str, name: str = "", count: str = "0") -> None:
    ledger = Ledger(url, busy_timeout_s=60)
    print("ready", flush=True)
    sys.stdin.readline()
    if command == "upgrade":
        ledger.upgrade()
        print("upgraded", flush=True)
        return
    for number in range(int(count)):
        key = f"{name}:{number}"
        new = [NewEvent("Counted", key, {"number": number}), NewEvent("Counted", f"{key}:too", {})]
        ledger.append("project:shop", new, now=datetime.now(UTC))
        print(key, flush=True)


main(*sys.argv[1:])
