"""The scenarios of tests/scenarios/signing.yaml, through the real doors, and Slack's also by
its socket: each has its one right outcome."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from deployments.demo.waiting import eventually
from deployments.stack import ROOT
from lifecycle import events as e
from tests.gateway.world import SHA, SLACK_SECRET, Asked, Office, slack_headers

SCENARIOS = yaml.safe_load((ROOT / "tests" / "scenarios" / "signing.yaml").read_text(encoding="utf-8"))
PLAYS = [
    pytest.param(way, scenario, id=f"{scenario['name']}-{way}")
    for way in ("http", "socket")
    for scenario in SCENARIOS
    # A socket has neither signatures nor a clock: what is signed wrongly or late there is for HTTP alone.
    if way == "http" or not any("secret" in told or "minutes" in told for told in scenario["do"])
]

Told = Mapping[str, Any]


class Play:
    """One scenario: `do` one line of it; how the door answered, None where nobody was at one."""

    def __init__(self, office: Office, asked: Asked) -> None:
        self.office = office
        self.asked = asked
        self.before = len(office.kinds(asked.subject))
        self.old = {slug: len(office.whispers(slug)) for slug in ("quinn", "quentin")}
        self.sent: list[tuple[bytes, dict[str, str]]] = []
        self.racing = False

    def do(self, told: Told) -> Any:
        if "happens" in told:
            self.happens(str(told["happens"]))
            return None
        if "again" in told:
            return self.post(*self.sent[told["again"] - 1])
        if "at_once" in told:
            self.racing = True
            with ThreadPoolExecutor(len(told["at_once"])) as threads:
                return list(threads.map(self.decides, told["at_once"]))
        return self.decides(told)

    def happens(self, what: str) -> None:
        facts: dict[str, e.ReleaseEvent] = {
            "expired": e.SignOffExpired(request=self.request({})),
            "superseded": e.CandidateCut(number=2, tag="rc.2", sha="b" * 40, branch="release/1"),
            "production": e.ProductionStarted(number=1, tag="1", sha=SHA),
        }
        if what in facts:
            self.office.record(self.asked.subject, facts[what])

    def request(self, told: Told) -> str:
        return self.asked.requests.get(told.get("issue", "SHOP-3")) or next(
            iter(self.asked.requests.values())
        )

    def decides(self, told: Told) -> int:
        door = {"slack": self.by_slack, "cli": self.by_cli, "link": self.by_link, "prefect": self.by_prefect}
        return door[told.get("door", "slack")](told, told.get("verb", "approve"))

    def by_slack(self, told: Told, verb: str) -> int:
        payload = {
            "type": "block_actions",
            "user": {"id": f"U0{told['by'].upper()}"},
            "channel": {"id": self.office.releases},
            "actions": [{"action_id": f"signoff.{verb}", "value": told.get("value") or self.request(told)}],
            "trigger_id": f"{time.time_ns()}",
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        secret = "x" * 32 if told.get("secret") == "wrong" else SLACK_SECRET
        headers = slack_headers(body, time.time() + 60 * told.get("minutes", 0), secret)
        self.sent.append((body, headers))
        return self.post(body, headers)

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        if self.office.socket_mode:
            return self.office.tell(body).status_code
        return self.office.http.post("/slack/interactivity", content=body, headers=headers).status_code

    def by_cli(self, told: Told, verb: str) -> int:
        target = self.asked.subject if verb == "hold" else self.request(told)
        reason = ["--reason", "so it is"] if verb in ("return", "hold") else []
        call = "import sys; from deployments.cli.main import main; sys.exit(main(sys.argv[1:]))"
        return self.run(call, "release", verb, target, "--as", told["by"], *reason)

    def by_prefect(self, told: Told, verb: str) -> int:
        """What the run of the Prefect deployment `decide` does."""
        said = [verb, self.request(told), told["by"]]
        return self.run("import sys; from flows.decide import decide; decide.fn(*sys.argv[1:])", *said)

    def run(self, code: str, *arguments: str) -> int:
        """In a process of its own; those that race have one each."""
        if not self.racing:
            return self.office.aside.run(code, *arguments).code
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(
            command, env=self.office.env, cwd=ROOT, capture_output=True, check=False
        ).returncode

    def by_link(self, told: Told, verb: str) -> int:
        path = self.office.link(told["by"], self.request(told))
        return self.office.http.post(path, data={"verb": verb, "comment": "so it is"}).status_code

    def heard(self, slug: str, text: str) -> bool:
        """This person alone was told so, since the play began."""
        return any(text in whisper for whisper in self.office.whispers(slug)[self.old[slug] :])

    def record(self) -> list[str]:
        """What was added, each with who did it."""
        added = self.office.ledger.events(self.asked.subject)[self.before :]
        return [f"{event.kind} {event.data.get('person') or ''}".strip() for event in added]


@contextmanager
def without(office: Office, slug: str) -> Iterator[None]:
    """While this lasts the person is deactivated."""
    path = Path(office.env["CONVEYOR_POLICY"])
    text = path.read_text(encoding="utf-8")
    policy = yaml.safe_load(text)
    for person in policy["people"]:
        if person["id"] == slug:
            person["active"] = False
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("office", "scenario"), PLAYS, indirect=["office"])
def test_each_scenario_has_its_one_right_outcome(office: Office, scenario: Told) -> None:
    play = Play(office, office.asking(scenario.get("ask", "qa")))
    leaves = next((str(told["happens"]).split()[0] for told in scenario["do"] if "leaves" in str(told)), "")
    with without(office, leaves):
        answered = [answer for answer in map(play.do, scenario["do"]) if answer is not None]
        for slug, text in scenario.get("heard", {}).items():
            eventually(f"{slug} hears {text}", partial(play.heard, slug, text), 30)
    assert answered == scenario["answered"]
    assert (sorted if "at_once" in str(scenario["do"]) else list)(play.record()) == scenario["record"]


def test_scenarios_have_names_of_their_own() -> None:
    names = [scenario["name"] for scenario in SCENARIOS]
    assert len(set(names)) == len(names) > 20
