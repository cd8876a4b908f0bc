"""The mutation check of the runtime contract: what is well but for one thing breaks exactly the one rule.

See `lifecycle.gates.proving`, which does the same for the gates of the pipeline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lifecycle.gates.proving import Proof
from lifecycle.runtime import Answer, RuntimeEvidence, RuntimeRules, reasons, rules_of

_SHA = "a" * 40
_LINE = json.dumps({"time": "2026-01-01T00:00:00+00:00", "level": "info", "message": "serving"})
_WILD = re.compile(r"[*?]+")


def prove(rules: RuntimeRules) -> tuple[Proof, ...]:
    """Break every rule that the policy asks for."""
    good = RuntimeEvidence(
        health=_health(_SHA, rules.data),
        metrics=Answer(status=200, body="up 1\n"),
        log_lines=(_LINE,),
        dockerfile="".join(f"FROM {_WILD.sub('x', image)}\n" for image in rules.base_images[:1]),
    )
    spoilt = reasons(good, _SHA, rules)
    if spoilt:
        problem = "nothing satisfies it"
        return tuple(Proof(gate=each, scenario="nothing is wrong", problem=problem) for each in spoilt)
    asked = {rule.id for rule in rules_of(rules) if rule.asked}
    return tuple(
        _proof(rule, what, reasons(evidence, _SHA, rules))
        for rule, what, evidence in _broken(good, rules)
        if rule in asked
    )


def _health(sha: str, data: str) -> Answer:
    return Answer(status=200, body=json.dumps({"sha": sha, "data": data}))


def _broken(good: RuntimeEvidence, rules: RuntimeRules) -> Iterator[tuple[str, str, RuntimeEvidence]]:
    """Rule, what is done, and what is seen then."""

    def seen(**changed: object) -> RuntimeEvidence:
        return good.model_copy(update=changed)

    yield "runtime.health", "another commit answers", seen(health=_health("b" * 40, rules.data))
    elsewhere = _health(_SHA, f"{rules.data}-elsewhere")
    yield "runtime.data", "the data is kept elsewhere", seen(health=elsewhere)
    yield "runtime.metrics", "there are no metrics", seen(metrics=Answer(status=404))
    yield "runtime.metrics", "the metrics are JSON", seen(metrics=Answer(status=200, body="{}"))
    yield "runtime.json_logs", "a trace is logged", seen(log_lines=(_LINE, "Traceback:"))
    yield "runtime.json_logs", "nothing is logged", seen(log_lines=())
    yield "runtime.base_image", "there is no Dockerfile", seen(dockerfile=None)
    foreign = good.dockerfile or ""
    yield "runtime.base_image", "it builds on another image too", seen(dockerfile=f"{foreign}FROM planted\n")


def _proof(rule: str, what: str, said: dict[str, str]) -> Proof:
    problem = "" if rule in said else "it cannot fail: nothing violates it"
    return Proof(gate=rule, scenario=what, reasons=(said[rule],) if rule in said else (), problem=problem)
