"""How many deliveries the gateway takes: `python -m tests.benchmarks.inbound [--postgres URL]`; needs wrk.

Signed GitLab webhooks of two kilobytes, each another delivery, are sent over 32 connections to the real
gateway and, in turn, to the floor: a bare Starlette application that does one durable SQLite insert per
request. Then the gateway alone is asked at half its rate, for the time that an answer takes. At last it is
killed under full load: every delivery that was answered with 200 must be in the inbox.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from sqlalchemy import create_engine, make_url, text

from deployments.demo.waiting import eventually
from deployments.stack import free_port
from integrations.ledger import Ledger
from integrations.sandbox.http import LOOPBACK
from tests.benchmarks.report import report
from tests.gateway.world import GITLAB_SIGNING_KEY, GITLAB_TOKEN, Office

ROUNDS, SECONDS, CONNECTIONS, SENT = 5, 5, 32, 60_000
BODY = json.dumps({"object_kind": "emoji", "project": {"id": 1}, "text": "x" * 1950}).encode()

_SCRIPT = """
local ids, signatures, stamps, next = {}, {}, {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local id, stamp, signature = line:match("(%S+) (%S+) (%S+)")
    ids[#ids + 1], stamps[#stamps + 1], signatures[#signatures + 1] = id, stamp, signature
  end
end
function request()
  next = next % #ids + 1
  return wrk.format("POST", "/gitlab/webhook", {
    ["X-Gitlab-Token"] = "TOKEN", ["X-Gitlab-Event"] = "Emoji Hook", ["Content-Type"] = "application/json",
    ["webhook-id"] = ids[next], ["webhook-timestamp"] = stamps[next],
    ["webhook-signature"] = signatures[next], ["Idempotency-Key"] = ids[next],
  }, [[BODY]])
end
"""

_PAUSE = "function delay() return math.random(0, %d) end"
"""Before each request a connection waits up to so many milliseconds."""

_FLOOR = """
import sqlite3, sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
import uvicorn
db = sqlite3.connect(sys.argv[2], isolation_level=None, check_same_thread=False)
db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id, body);")
async def take(request):
    db.execute("INSERT INTO t VALUES (?, ?)", (request.headers["webhook-id"], await request.body()))
    return PlainTextResponse("")
routes = [Route("/gitlab/webhook", take, methods=["POST"])]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), log_config=None, access_log=False)
"""


def signed(folder: Path, name: str) -> Path:
    """A file of deliveries that nobody has sent before: id, time, signature."""
    path = folder / f"{name}.txt"
    stamp = str(int(time.time()))
    with path.open("w", encoding="utf-8") as file:
        for number in range(SENT):
            content = f"{name}-{number}.{stamp}.".encode() + BODY
            digest = hmac.new(GITLAB_SIGNING_KEY, content, hashlib.sha256).digest()
            file.write(f"{name}-{number} {stamp} v1,{base64.b64encode(digest).decode()}\n")
    return path


def wrk(folder: Path, url: str, name: str, rate: float = 0) -> tuple[float, float]:
    """Send as fast as it goes, or at about `rate`; answers per second, the slowest in 100 in ms."""
    script = folder / "post.lua"
    said = _SCRIPT.replace("TOKEN", GITLAB_TOKEN).replace("BODY", BODY.decode())
    if rate:
        said += _PAUSE % round(2 * 1000 * CONNECTIONS / rate)
    script.write_text(said, encoding="utf-8")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", str(script), url]
    told = subprocess.run(
        [*command, "--", str(signed(folder, name))], capture_output=True, text=True, check=True
    ).stdout
    per_second = re.search(r"Requests/sec: +([\d.]+)", told)
    slow = re.search(r"99% +([\d.]+)(us|ms|s)\b", told)
    if "Non-2xx" in told or per_second is None or slow is None:
        raise SystemExit(told)
    return float(per_second[1]), float(slow[1]) * {"us": 0.001, "ms": 1, "s": 1000}[slow[2]]


def _headers(line: str) -> dict[str, str]:
    number, stamp, signature = line.split()
    return {
        "X-Gitlab-Token": GITLAB_TOKEN,
        "X-Gitlab-Event": "Emoji Hook",
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": signature,
        "Idempotency-Key": number,
    }


def lost_by_a_kill(office: Office, folder: Path) -> tuple[int, int]:
    """Kill it under load: how many were answered with 200, and how many of them are not in the inbox."""
    answered: list[str] = []
    lines = signed(folder, "killed").read_text(encoding="utf-8").splitlines()

    def send(mine: list[str]) -> None:
        with httpx.Client(base_url=office.url, **LOOPBACK, timeout=30) as client:
            for line in mine:
                try:
                    if (
                        client.post("/gitlab/webhook", content=BODY, headers=_headers(line)).status_code
                        == 200
                    ):
                        answered.append(line.split()[0])
                except httpx.TransportError:
                    return

    threads = [threading.Thread(target=send, args=(lines[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    eventually("it is at full load", lambda: len(answered) > 500, 60)
    office.kill()
    for thread in threads:
        thread.join()
    engine = create_engine(make_url(office.env["CONVEYOR_LEDGER_URL"]))
    with engine.connect() as connection:
        kept = {row[0] for row in connection.execute(text("SELECT delivery_id FROM deliveries"))}
    return len(answered), len(set(answered) - kept)


def main(folder: Path, postgres: str) -> None:
    """All measures, one JSON line each."""
    office = Office(folder / "office")
    url = f"sqlite:///{folder / 'office' / 'ledger.db'}"
    if postgres:
        url = _new_database(postgres)
        made = Ledger(url)
        made.upgrade()
        made.close()
    office.env["CONVEYOR_LEDGER_URL"] = url
    port = free_port()
    floor = subprocess.Popen([sys.executable, "-c", _FLOOR, str(port), str(folder / "floor.db")])
    try:
        office.start()
        eventually("the floor answers", lambda: _answers(port), 30)
        rates: list[float] = []
        floors: list[float] = []
        for number in range(ROUNDS):
            rates.append(wrk(folder, office.url, f"gateway-{number}")[0])
            floors.append(wrk(folder, f"http://127.0.0.1:{port}", f"floor-{number}")[0])
        rate = statistics.median(rates)
        report("accepted deliveries", "1/s", rates, statistics.median(floors))
        half, slow = wrk(folder, office.url, "half", rate / 2)
        report(f"slowest answer in 100 at {half:.0f} per second", "ms", [slow])
        answered, lost = lost_by_a_kill(office, folder)
        report("lost by a kill", "1", [lost], rounds=answered)
    finally:
        floor.kill()
        floor.wait()
        office.stop()


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", **LOOPBACK)
    except httpx.TransportError:
        return False
    return True


def _new_database(server: str) -> str:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS conveyor_inbound WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE conveyor_inbound"))
    engine.dispose()
    return make_url(server).set(database="conveyor_inbound").render_as_string(hide_password=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", default="", help="postgresql+psycopg://postgres@127.0.0.1/postgres")
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as made:
        main(Path(made), asked.postgres)
