"""Plays a scenario of tests/scenarios/delivery.yaml: what happens to its release, and what came of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flows.stages.cut import cut
from flows.stages.environment import give_way, tell_unfrozen
from flows.stages.held import hold
from flows.stages.production import release_to_production
from flows.stages.rehearsal import rehearse
from flows.stages.sign_off import rework, sign_off
from flows.stages.staging import deploy_to_staging
from flows.stages.verify import verify
from lifecycle import events as e
from lifecycle.calendar import duration
from tasks import context, deployed_by_hand, gates, locking, occupying
from tasks.decisions import Decision, Outcome, decide
from tests.flows.delivery.conftest import FIRST_VERSION
from tests.flows.delivery.readied import BESIDE, RULES, Readied, Told
from tests.lifecycle.story import Story, live, signed_off

STAGES = (
    give_way,
    tell_unfrozen,
    hold,
    rework,
    cut,
    verify,
    deploy_to_staging,
    rehearse,
    sign_off,
    release_to_production,
)
SITUATION = {"name", "plan", "candidate", "authors", "files", "irreversible", "verified_by", "up_to"}
OUTCOME = {"serves", "deployed", "tag", "waits", "reads", "rejected", "record", "beside", "told"}
WORDS = {"first", "do"} | SITUATION | RULES | OUTCOME


class Some(str):
    """A text in which … stands for anything."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return re.fullmatch(".+".join(map(re.escape, self.split("…"))), str(other)) is not None

    __hash__ = str.__hash__


class Play(Readied):
    """One scenario: its release is made ready, `do` is one line of it, and `seen` what came of all."""

    def play(self) -> None:
        """All that the scenario says, but its outcome."""
        for told in self.told.get("first", ()):
            self.do(told)
        self.ready()
        for told in self.told.get("do", ()):
            self.do(told)

    def do(self, told: Told) -> None:
        """One line of the scenario; its first word says what."""
        if "by" in told:
            said = self.decided(told)
            assert said.accepted == ("says" not in told), said.message
            assert told.get("says", "") in said.message
            return
        word = next(iter(told))
        (self.change if word in RULES else getattr(self, f"do_{word}"))(told)

    def decided(self, told: Told) -> Outcome:
        """Somebody decides: about an exception, a lock, a signature, or the release."""
        by, why = told["by"], told.get("reason", "so it is")
        if "excepts" in told:
            until = (self.now + timedelta(days=told.get("days", 0))).date()
            return gates.sign_exception("shop", told["excepts"], until, by, why, now=self.now)
        if "ends" in told:
            return gates.end_exception("shop", told["ends"], by, why, now=self.now)
        if "locks" in told:
            return locking.lock("shop", told["locks"], by, why, now=self.now)
        if "unlocks" in told:
            return locking.unlock("shop", told["unlocks"], by, now=self.now)
        target = self.request(told["about"]) if "about" in told else self.stream
        extra = {"step": told.get("step", ""), "at": str(told.get("at", "")), "zone": "UTC"}
        return decide(Decision(told["verb"], target, by, "cli", why, **extra), self.now)

    def request(self, about: str) -> str:
        """What was asked at that step about the candidate of that number."""
        step, number = about.split()
        [found] = [a for a in self.walk().release.asked if (a.step, a.number) == (step, int(number))]
        return found.request

    def do_passes(self, told: Told) -> None:
        self.ahead += duration(told["passes"])

    def do_ago(self, told: Told) -> None:
        self.ahead -= duration(told["ago"])

    def do_adds_step(self, told: Told) -> None:
        """The policy asks management for one more."""
        data = context.policy().model_dump(mode="json", by_alias=True, exclude_unset=True)
        title = told["adds_step"]
        more = {"id": title, "title": title.title(), "waits_as": f"Awaiting {title}", "binds": "release"}
        self.rule(top={"steps": [*data["steps"], {**more, "quorum": {"management": 1}}]})

    def do_walks(self, told: Told) -> None:
        if told["walks"] == "once":
            self.end = self.shop.walk(self.stream, *STAGES, now=self.now)
        else:
            self.end = self.shop.walk_on(self.stream, *STAGES, ahead=self.ahead)

    def do_candidate(self, told: Told) -> None:
        self.candidate(told)

    def do_freezes(self, told: Told) -> None:
        """GitLab's own freeze period, from yesterday until tomorrow."""
        assert told["freezes"] == "GitLab"
        days = [self.now + timedelta(days=n) for n in (-1, 1)]
        start, end = (f"0 0 {day.day} {day.month} *" for day in days)
        body = {"freeze_start": start, "freeze_end": end, "cron_timezone": "UTC"}
        self.shop.api.post("freeze_periods", json=body).raise_for_status()

    def do_tags(self, told: Told) -> None:
        name = self.words(told["tags"])
        self.shop.api.delete(f"repository/tags/{name}")
        self.shop.tag(name, self.candidates.sha(told["at"]))

    def do_publishes(self, told: Told) -> None:
        """A GitLab release of that name, which hangs on another tag."""
        body = {
            "tag_name": self.words(told["under"]),
            "name": self.words(told["publishes"]),
            "description": "",
        }
        self.shop.api.post("releases", json=body).raise_for_status()

    def do_fails(self, told: Told) -> None:
        self.shop.fail(told["fails"], "400")

    def do_deploys(self, told: Told) -> None:
        self.candidates.deploy(told["deploys"], told["to"])

    def do_deletes(self, told: Told) -> None:
        """The artifacts of a job that verified the candidate are gone."""
        jobs = self.shop.api.get(f"pipelines/{self.pipeline}/jobs").raise_for_status().json()
        [job] = [each["id"] for each in jobs if each["name"] == told["deletes"]]
        self.shop.api.delete(f"jobs/{job}/artifacts").raise_for_status()

    def do_reconciles(self, _: Told) -> None:
        for found in deployed_by_hand.find():
            deployed_by_hand.tell.fn(found.subject)

    def do_another(self, told: Told) -> None:
        """Another release of the shop, on the ledger only."""
        plan = {"version": "1.9.0", "release_kind": told.get("kind", "regular")}
        stream = "release:shop:1.9.0"
        if told["another"] == "is rolled back":
            self.shop.tell(stream, *live("SHOP-2", **plan).roll_back().events)
            return
        verified = e.CandidateVerified(number=1, pipeline_id=1)
        goes_out = told["another"] == "goes out"
        story = signed_off("SHOP-2", **plan) if goes_out else Story(**plan).cut().tell(verified)
        environment = "production" if goes_out else "staging"
        assert occupying.take(stream, story.release, environment, self.now).allowed
        self.shop.tell(stream, *story.events)

    def do_mate(self, told: Told) -> None:
        """The release of another project that the shop depends on, in the group `spring`."""
        first = context.policy().model_dump(mode="json", by_alias=True, exclude_unset=True)["projects"][0]
        kiosk = {**first, "id": "kiosk", "name": "Kiosk", "jira": "KIOSK"}
        self.rule(top={"projects": [{**first, "depends_on": ["kiosk"]}, kiosk]})
        plan = {"project": "kiosk", "version": "7.0.0", "group": "spring"}
        go = {"is signed": signed_off, "is out": live}[told["mate"]]
        self.shop.tell("release:kiosk:7.0.0", *go("KIOSK-1", **plan).events)

    # What came of it.

    def seen(self) -> dict[str, Any]:
        """What production serves, by itself and by GitLab; git's tag; what people read; what is on record."""
        self.do_walks({"walks": "on"})
        names = {sha: name for name, sha in self.candidates.shas.items()}
        tag = self.shop.api.get(f"repository/tags/{self.version}").json().get("commit", {"id": ""})["id"]
        waiting, rejected = self.end.waiting, self.end.release.rejected
        beside = {stream: self.added(stream) for stream in BESIDE}
        return {
            "serves": names[self.shop.serves()],
            "deployed": self.candidates.production(),
            "tag": names.get(tag, ""),
            "waits": waiting.name if waiting else "",
            "reads": waiting.message.split("; ") if waiting else [],
            "rejected": list(rejected.reasons) if rejected else [],
            "record": self.added(self.stream),
            "beside": [f"{BESIDE[stream]}: {fact}" for stream, facts in beside.items() for fact in facts],
            **self.heard(),
        }

    def heard(self) -> dict[str, list[str]]:
        """Of what the channel should be told and of the reasons for a rejection, what it was told."""
        rejected = self.end.release.rejected
        said = self.shop.said() if rejected or "told" in self.told else ""
        if rejected:
            assert f"{self.version}-rc.{rejected.number} was rejected" in said
            assert all(reason in said for reason in rejected.reasons)
        return {"told": [each for each in self.told["told"] if each in said]} if "told" in self.told else {}

    def expected(self) -> dict[str, Any]:
        """What the scenario says, with what goes without saying."""
        told = {
            "serves": "first",
            "waits": "",
            "reads": [],
            "rejected": [],
            "record": [],
            "beside": [],
            **self.told,
        }
        out = told["serves"] != "first"
        told = {
            "deployed": self.version if out else FIRST_VERSION,
            "tag": told["serves"] if out else "",
            **told,
        }
        return {
            key: [Some(self.words(each)) for each in value] if key in ("reads", "rejected") else value
            for key, value in told.items()
            if key in OUTCOME
        }

    def added(self, stream: str) -> list[str]:
        """The facts since it was ready, and whose they are; that an environment is taken is left out."""
        added = context.ledger().events(stream)[self.before[stream] :]
        told = [f"{event.kind} {event.data.get('person') or ''}".strip() for event in added]
        return [each for each in told if each != "Taken"]
