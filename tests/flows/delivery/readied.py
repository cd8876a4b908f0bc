"""Makes the release of a scenario ready: by its own stages, on pipelines that have run already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.stages.staging import deploy_to_staging
from flows.stages.verify import verify
from lifecycle import events as e
from lifecycle import signoff
from tasks import context
from tasks.decisions import Decision, decide
from tasks.pipelines import op_key
from tests.flows.delivery.candidates import Candidates
from tests.flows.delivery.conftest import FIRST_VERSION

BESIDE = {
    "environment:shop:staging": "staging",
    "environment:shop:production": "production",
    "gates:shop": "gates",
}
RULES = {"policy", "project", "gates"}
SIGNERS = {"qa": "quinn", "check": "mara", "client": "clara", "approval": "gerd"}

Told = Mapping[str, Any]


class Readied:
    """The release of one scenario: its candidate verified, staged and signed, as far as `told` says."""

    def __init__(self, candidates: Candidates, rule: Callable[..., None], version: str, told: Told) -> None:
        self.shop, self.candidates, self.rule = candidates.shop, candidates, rule
        self.version, self.told = version, told
        self.stream = f"release:shop:{version}"
        self.ahead = timedelta(0)
        self.number = 0

    @property
    def now(self) -> datetime:
        """By the clock of the scenario."""
        return datetime.now(UTC) + self.ahead

    def words(self, text: str) -> str:
        """`text` with the version and the commits that it speaks of."""
        short = {name.replace("-", "_"): sha[:8] for name, sha in self.candidates.shas.items()}
        return text.format(version=self.version, today=self.now.date(), **short)

    # Making it ready.

    def ready(self) -> None:
        """Staging serves the candidate and people signed it, unless the scenario says otherwise."""
        self.change(self.told)
        self.shop.tell(f"release:shop:{FIRST_VERSION}", *self.first())
        self.shop.tell(self.stream, self.planned(self.version, **self.told.get("plan", {})))
        self.candidate(self.told)
        self.before = {stream: len(context.ledger().events(stream)) for stream in (self.stream, *BESIDE)}

    @staticmethod
    def planned(version: str, **plan: Any) -> e.Planned:
        known = {"project": "shop", "version": version, "issues": ("SHOP-1",), "base": "main"}
        return e.Planned.model_validate({**known, "plan_hash": "p", "started_by": "olli", **plan})

    def first(self) -> tuple[e.ReleaseEvent, ...]:
        """What the ledger has of the version in production: which pipeline verified it."""
        sha, pipeline = self.candidates.sha("first"), self.candidates.verified("first")
        branch = f"release/{FIRST_VERSION}"
        cut_ = e.CandidateCut(number=1, tag=f"{FIRST_VERSION}-rc.1", sha=sha, branch=branch)
        return self.planned(FIRST_VERSION), cut_, e.CandidateVerified(number=1, pipeline_id=pipeline)

    def candidate(self, told: Told) -> None:
        """Cut the next candidate, verify and stage it by the stages of the release, and sign it."""
        self.number += 1
        name, number = told.get("candidate", "good"), self.number
        sha, tag = self.candidates.sha(name), f"{self.version}-rc.{number}"
        self.shop.tag(tag, sha)
        contents = {"authors": told.get("authors", ["dora"]), "branch": f"release/{self.version}"}
        if "files" in told:
            contents["digests"] = {"SHOP-1": told["files"]}
        cut_ = {"number": number, "tag": tag, "sha": sha, **contents}
        self.shop.tell(self.stream, e.CandidateCut.model_validate(cut_), now=self.now)
        self.verified(told)
        if self.walk().release.verified is None or told.get("up_to") == "staging":
            return
        assert self.walk().take("staging") is None
        self.know("staging", self.candidates.staged(name))
        self.shop.walk(self.stream, deploy_to_staging, now=self.now)
        assert self.walk().release.staged is not None
        self.sign(told.get("up_to", ""))

    def verified(self, told: Told) -> None:
        """Its pipeline is judged."""
        name = told.get("verified_by", told.get("candidate", "good"))
        self.pipeline = self.candidates.verified(name, anew="deletes" in str(self.told))
        if "irreversible" in told:  # told only: the shop's staging would not come back from it
            fact = e.CandidateVerified(
                number=self.number, pipeline_id=self.pipeline, at=self.now, irreversible=told["irreversible"]
            )
            self.shop.tell(self.stream, fact, now=self.now)
            return
        self.know("verify", self.pipeline)
        usual = not {"gates", "first", "verified_by"} & self.told.keys()
        known = self.candidates.verdicts.get(name) if usual else None
        if known is not None:  # judged already, by the same rules
            self.shop.tell(self.stream, known.model_copy(update={"number": self.number, "at": self.now}))
            return
        given = self.shop.walk(self.stream, verify, now=self.now).release.verified
        if usual and given is not None:
            self.candidates.verdicts[name] = given

    def know(self, step: str, pipeline: int) -> None:
        """The ledger has it that this pipeline was started for the newest candidate."""
        key = op_key(self.stream, step, self.number)
        context.ledger().intend(key, self.stream, "pipeline", {"step": step}, self.now)
        done = {"pipeline_id": pipeline, "url": ""}
        context.ledger().conclude(key, "done", done, self.now)

    def walk(self) -> Any:
        return self.shop.walk(self.stream, now=self.now)

    def sign(self, but: str) -> None:
        """Everybody who is asked signs, up to the step `but`."""
        for step in self.walk().steps:
            if step.id == but:
                return
            asks = signoff.asks(self.walk().release, self.stream, step, self.now, "staging")
            self.shop.tell(self.stream, *asks, now=self.now)
            for ask in asks:
                said = decide(Decision("approve", ask.request, SIGNERS[step.id], "cli"), self.now)
                assert said.accepted, said.message
            self.shop.tell(self.stream, e.StepPassed(step=step.id, number=self.number), now=self.now)

    def change(self, told: Told) -> None:
        """The policy says something else from here on."""
        if not RULES & told.keys():
            return
        project = dict(told.get("project", {}))
        if "gates" in told:
            asked = context.policy().project("shop").gates.model_dump(mode="json", exclude_unset=True)
            project["gates"] = asked | told["gates"]
        self.rule(top=dict(told.get("policy", {})), **project)
