"""The gateway as a process of its own, the sandbox's Slack, and releases that wait for somebody.

Prefect is not reached from here: its address is one where nobody listens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

import httpx
import yaml
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from deployments import sandbox_policy
from deployments.demo.people import Person
from deployments.demo.waiting import eventually
from deployments.sandbox_policy import CAST, CHANNELS
from deployments.stack import ROOT, free_port
from integrations.ledger import Delivery, Ledger, NewEvent
from integrations.sandbox.http import LOOPBACK
from integrations.sandbox.slack import SlackAppSeed, SlackSandbox
from lifecycle import events as e
from lifecycle import release as rules
from lifecycle import signoff
from lifecycle.policy import Policy
from tasks import signoff_messages
from tasks.posts import Content
from tests.gateway.aside import Aside

ALERTMANAGER_TOKEN = "m" * 32
NOBODY = "http://127.0.0.1:1"
SHA = "a" * 40
PROJECT_ID = 4711
TOKENS = {slug: f"token-of-{slug}" for slug in CAST}
BOT_TOKEN = "xoxb-" + "b" * 24
APP_TOKEN = "xapp-" + "a" * 24
SLACK_SECRET, JIRA_SECRET, GITLAB_TOKEN, LINK_SECRET = (letter * 32 for letter in "sjgl")
GITLAB_SIGNING_KEY = b"thirty-two bytes that sign things"
GITLAB_SIGNING = "whsec_" + base64.b64encode(GITLAB_SIGNING_KEY).decode()
SECRETS = (BOT_TOKEN, APP_TOKEN, SLACK_SECRET, JIRA_SECRET, GITLAB_TOKEN, LINK_SECRET, GITLAB_SIGNING)

T = TypeVar("T")
Headers = dict[str, str]


def slack_headers(body: bytes, at: float | None = None, secret: str = SLACK_SECRET) -> Headers:
    """Slack's signature over `body` at `at`, seconds of the epoch (None: now)."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": kind,
    }


def jira_headers(body: bytes, at: float | None = None, secret: str = JIRA_SECRET) -> Headers:
    """Jira's signature, which knows no time."""
    del at
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature": f"sha256={digest}", "Content-Type": "application/json"}


def gitlab_headers(body: bytes, at: float | None = None, secret: str = GITLAB_TOKEN) -> Headers:
    """GitLab's token, and the signature of GitLab 19.0."""
    stamp = str(int(time.time() if at is None else at))
    signed = f"d-1.{stamp}.".encode() + body
    digest = base64.b64encode(hmac.new(GITLAB_SIGNING_KEY, signed, hashlib.sha256).digest()).decode()
    return {
        "X-Gitlab-Token": secret,
        "X-Gitlab-Event": "Some Hook",
        "webhook-id": "d-1",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{digest}",
        "Content-Type": "application/json",
    }


@dataclass(frozen=True)
class Way:
    """One door as a vendor knows it: where, how it signs, and a body that says nothing of note."""

    source: str
    path: str
    headers: Callable[..., Headers]
    limit: int

    def body(self, **more: object) -> bytes:
        """A body nobody sent before."""
        told: dict[str, object] = {"number": next(_NUMBERS), **more}
        if self.source == "slack":
            told = {"type": "event_callback", "event": {"type": "emoji_changed"}, **told}
        return json.dumps(told).encode()


MIB = 1024 * 1024
WAYS = (
    Way("jira", "/jira/webhook", jira_headers, 10 * MIB),
    Way("gitlab", "/gitlab/webhook", gitlab_headers, 10 * MIB),
    Way("slack", "/slack/events", slack_headers, MIB),
)
_NUMBERS = count(1)


@dataclass(frozen=True)
class Asked:
    """A release that waits, with its message in Slack."""

    subject: str
    version: str
    requests: Mapping[str, str]
    ts: str


class Office:
    """A Slack workspace, a ledger, and a gateway process; `start` again after `kill`.

    With `socket_mode` the gateway has Slack's deliveries over Socket Mode, else at its doors.
    """

    def __init__(self, home: Path, *, socket_mode: bool = False) -> None:
        self.home = home
        self.socket_mode = socket_mode
        home.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        people = sandbox_policy.people(TOKENS)
        app = SlackAppSeed(
            BOT_TOKEN,
            SLACK_SECRET,
            interactivity_url=f"{self.url}/slack/interactivity",
            commands_url=f"{self.url}/slack/commands",
            events_url=f"{self.url}/slack/events",
            app_token=APP_TOKEN,
            socket_mode=socket_mode,
        )
        self.slack = SlackSandbox(people, CHANNELS, app, limits=False)
        self.releases = self.slack.channel_id("releases")
        channels = {name: self.slack.channel_id(name) for name in CHANNELS}
        urls = {"staging": "http://staging.example", "production": "http://shop.example"}
        data = sandbox_policy.policy(people, channels, PROJECT_ID, urls, "real")
        data["review"]["cron"] = "0 10 29 2 *"  # on no day of the tests does one begin by itself
        (home / "conveyor.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
        self.policy = Policy.model_validate(data)
        self.env = _environment(home, port, self.slack.api_url)
        if socket_mode:
            self.env["CONVEYOR_SLACK_APP_TOKEN"] = APP_TOKEN
        self.ledger = Ledger(f"sqlite:///{home / 'ledger.db'}")
        self.ledger.upgrade()
        self.http = httpx.Client(base_url=self.url, timeout=60, **LOOPBACK)
        self.log = home / "gateway.log"
        self.people = {
            p.id: Person(
                p.id, p.name, p.email, p.token, slack=self.slack.url, gitlab=NOBODY, jira=NOBODY, home=home
            )
            for p in people
        }
        self.aside = Aside(self.env)
        """A process of its own with this office's settings."""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the gateway and return when it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deployments.gateway"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually("the gateway answers", self._answers, 110)

    def kill(self) -> None:
        """SIGKILL the gateway."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End everything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.aside.stop()
        self.http.close()
        self.slack.stop()
        self.ledger.close()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def send(self, way: Way, body: bytes, **changed: str | None) -> httpx.Response:
        """Deliver `body`, signed now; `changed` replaces headers (`_` for `-`), None leaves one out."""
        headers = way.headers(body)
        for name, value in changed.items():
            found = next((n for n in headers if n.lower() == name.replace("_", "-").lower()), name)
            headers = {n: v for n, v in headers.items() if n != found}
            headers |= {} if value is None else {found.replace("_", "-"): value}
        return self.http.post(way.path, content=body, headers=headers)

    def tell(self, body: bytes) -> httpx.Response:
        """Let Slack deliver `body` by the way that this office has; 504 where nobody acknowledges it."""
        if not self.socket_mode:
            return self.send(WAYS[2], body)
        if body.startswith(b"{"):
            reply = self.slack.deliver("events_api", json.loads(body))
        else:
            reply = self.slack.deliver("interactive", json.loads(parse_qs(body.decode())["payload"][0]))
        return httpx.Response(reply.status or 504, text=reply.body)

    def kept(self, body: bytes) -> list[Delivery]:
        """The deliveries on record with exactly this body."""
        with closing(sqlite3.connect(self.home / "ledger.db")) as connection:
            rows = connection.execute("SELECT id FROM deliveries WHERE body = ?", (body,)).fetchall()
        return [self.ledger.delivery(row[0]) for row in rows]

    def record(self, stream: str, *facts: Any, ago: timedelta = timedelta()) -> None:
        """Append facts as a walk would have done `ago`."""
        events = [NewEvent(fact.kind, fact.key(stream), fact.model_dump(mode="json")) for fact in facts]
        self.ledger.append(stream, events, now=datetime.now(UTC) - ago)

    def kinds(self, subject: str) -> list[str]:
        """The kinds of what is on record."""
        return [event.kind for event in self.ledger.events(subject)]

    def asking(
        self,
        step: str = "qa",
        title: str = "Gift wrap",
        authors: tuple[str, ...] = ("dora",),
        due: timedelta = timedelta(days=2),
        planned: tuple[str, ...] = ("SHOP-3", "SHOP-4"),
        sha: str = SHA,
        ago: timedelta = timedelta(),
        **cut: Any,
    ) -> Asked:
        """A release whose first candidate waits for `step`, `due` from now, and the message that asks.

        It was asked `ago`; `cut` is more about the candidate.
        """
        version = f"1.{next(_NUMBERS)}.0"
        subject = f"release:shop:{version}"
        issues = planned if step == "qa" else (None,)
        requests = {
            issue or step: hashlib.sha256(f"{subject}{issue}".encode()).hexdigest()[:24] for issue in issues
        }
        self.record(
            subject,
            e.Planned(
                project="shop",
                version=version,
                issues=planned,
                titles={key: title if key == "SHOP-3" else "Search" for key in planned},
                base="main",
                plan_hash="p" * 64,
            ),
            e.CandidateCut(
                number=1,
                tag=f"{version}-rc.1",
                sha=sha,
                branch=f"release/{version}",
                authors=authors,
                **cut,
            ),
            e.CandidateVerified(number=1, pipeline_id=7),
            e.Staged(number=1, sha=sha, url="http://staging.example", pipeline_id=8),
            *(
                e.SignOffAsked(
                    request=requests[issue or step],
                    step=step,
                    number=1,
                    issue=issue,
                    sha=sha,
                    plan_hash="p" * 64,
                    environment="staging",
                    due=datetime.now(UTC) + due,
                )
                for issue in issues
            ),
            ago=ago,
        )
        return Asked(subject, version, requests, self._post_question(subject, step, 1))

    def asking_again(self, asked: Asked, sha: str = "b" * 40, **cut: Any) -> Asked:
        """Candidate 2 of that release waits for QA too, as a walk would ask; `cut` is more about it.

        The first candidate's message still says what it said.
        """
        tag, branch = f"{asked.version}-rc.2", f"release/{asked.version}"
        requests = {issue: request[::-1] for issue, request in asked.requests.items()}
        due = datetime.now(UTC) + timedelta(days=2)
        self.record(
            asked.subject,
            e.CandidateCut(number=2, tag=tag, sha=sha, branch=branch, **cut),
            e.CandidateVerified(number=2, pipeline_id=9),
            e.Staged(number=2, sha=sha, url="http://staging.example", pipeline_id=10),
            *(
                e.SignOffAsked(
                    request=request,
                    step="qa",
                    number=2,
                    issue=issue,
                    sha=sha,
                    plan_hash="p" * 64,
                    environment="staging",
                    due=due,
                )
                for issue, request in requests.items()
            ),
        )
        release = self.release(asked.subject)
        step = next(step for step in self.policy.steps if step.id == "qa")
        self.record(asked.subject, *signoff.carries(release, step))
        ts = self._post_question(asked.subject, "qa", 2)
        return Asked(asked.subject, asked.version, requests, ts)

    def release(self, subject: str) -> rules.Release:
        """The release as the ledger has it."""
        release = rules.fold(e.parse(event.data) for event in self.ledger.events(subject))
        assert release is not None
        return release

    def refresh(self, asked: Asked) -> None:
        """Make the release's messages true, in a process of its own, as a walk would."""
        self.aside.check(
            "import sys; from tasks import signoffs; signoffs.refresh(sys.argv[1])", asked.subject
        )

    def _post_question(self, subject: str, step_id: str, number: int) -> str:
        """Post the step's message as a walk would; its ts."""
        release = self.release(subject)
        step = next(s for s in self.policy.steps if s.id == step_id)
        shop = self.policy.project("shop")
        about = signoff_messages.Asking(release, shop, step, self.policy, number, lambda _: ())
        content = signoff_messages.message(about)
        return self.post(subject, signoff_messages.ask_key(subject, step_id, number), content)

    def post(self, subject: str, key: str, content: Content) -> str:
        """Post a message as a walk would, into the releases' channel; its ts."""
        blocks = json.dumps(
            [json.loads(json.dumps(block)) for block in content.model_dump(mode="json")["blocks"]]
        )
        answer = httpx.post(
            f"{self.slack.api_url}chat.postMessage",
            data={"channel": self.releases, "text": content.text, "blocks": blocks},
            headers={"Authorization": f"Bearer {BOT_TOKEN}"},
            **LOOPBACK,
        ).json()
        assert answer["ok"], answer
        self.ledger.intend(key, subject, "message", {}, datetime.now(UTC))
        where = {"channel_id": self.releases, "ts": answer["ts"]}
        self.ledger.conclude(key, "done", where, datetime.now(UTC))
        self.ledger.project(key, content.model_dump_json(), datetime.now(UTC))
        return str(answer["ts"])

    def message(self, asked: Asked) -> str:
        """What the release's message says to somebody in the channel now, as JSON text."""
        return next(
            json.dumps(m, ensure_ascii=False) for m in self.people["mara"].messages() if m["ts"] == asked.ts
        )

    def view(self, slug: str) -> dict[str, Any]:
        """The modal that this person opened last."""
        return self.people[slug].inbox()["views"][-1]

    def close_views(self, slug: str) -> None:
        """Close every modal in front of this person, the topmost first."""
        for view in reversed(self.people[slug].inbox()["views"]):
            body = {"view_id": view["id"]}
            answer = httpx.post(f"{self.slack.url}/people/{slug}/close", json=body, timeout=60, **LOOPBACK)
            answer.raise_for_status()

    def press_in_view(self, slug: str, action_id: str, value: str) -> dict[str, Any]:
        """Press a button of that modal; what Slack showed."""
        body = {"view_id": self.view(slug)["id"], "action_id": action_id, "value": value}
        answer = httpx.post(f"{self.slack.url}/people/{slug}/press", json=body, timeout=60, **LOOPBACK)
        return answer.raise_for_status().json()

    def press(self, slug: str, asked: Asked, action_id: str, issue: str = "SHOP-3") -> dict[str, Any]:
        """Press a button of the message; what Slack showed."""
        value = asked.requests[issue]
        body = {"channel_id": self.releases, "ts": asked.ts, "action_id": action_id, "value": value}
        answer = httpx.post(f"{self.slack.url}/people/{slug}/press", json=body, timeout=60, **LOOPBACK)
        return answer.raise_for_status().json()

    def whispers(self, slug: str) -> list[str]:
        """What only this person sees."""
        return [m["text"] for m in self.people[slug].messages() if m.get("ephemeral")]

    def link(
        self,
        person: str,
        request: str,
        *,
        age: timedelta = timedelta(),
        secret: str = LINK_SECRET,
        purpose: str = "decide",
    ) -> str:
        """The path of a signed link, made `age` ago."""

        class Then(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(time.time() - age.total_seconds())

        salt = {"decide": "conveyor.sign-off", "mine-too": "conveyor.mine-too"}[purpose]
        made = URLSafeTimedSerializer(secret, salt=salt, signer=Then)
        return f"/{purpose}/{made.dumps({'person': person, 'request': request})}"


def _environment(home: Path, port: int, api_url: str) -> dict[str, str]:
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONVEYOR_", "PREFECT_"))
    }
    return {
        **ours,
        "PREFECT_API_URL": f"{NOBODY}/api",
        "PREFECT_HOME": str(home / "prefect"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "CONVEYOR_HOME": str(home),
        "CONVEYOR_POLICY": str(home / "conveyor.yaml"),
        "CONVEYOR_GATEWAY_PORT": str(port),
        "CONVEYOR_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CONVEYOR_LINK_SECRET": LINK_SECRET,
        "CONVEYOR_JIRA_WEBHOOK_SECRET": JIRA_SECRET,
        "CONVEYOR_GITLAB_WEBHOOK_TOKEN": GITLAB_TOKEN,
        "CONVEYOR_GITLAB_SIGNING_TOKEN": GITLAB_SIGNING,
        "CONVEYOR_ALERTMANAGER_TOKEN": ALERTMANAGER_TOKEN,
        "CONVEYOR_SLACK_API_URL": api_url,
        "CONVEYOR_SLACK_BOT_TOKEN": BOT_TOKEN,
        "CONVEYOR_SLACK_SIGNING_SECRET": SLACK_SECRET,
    }
