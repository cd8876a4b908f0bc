"""The runtime contract: every rule can be broken, says why, and is silent where the policy asks nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lifecycle.runtime import (
    RULES,
    Answer,
    RuntimeEvidence,
    RuntimeRules,
    base_images,
    keeps_contract,
    rules_of,
)
from lifecycle.runtime_proving import prove
from tests.lifecycle.story import sha

SHA = sha(1)
ALL = RuntimeRules(
    health="/healthz",
    metrics="/metrics",
    json_logs=True,
    base_images=("python:3.12-*", "alpine"),
    data="/data/shop.db",
)
LINE = json.dumps({"time": "2026-11-21T10:00:00+00:00", "level": "info", "message": "serving", "sha": SHA})
METRICS = """# HELP shop_requests_total Requests.
# TYPE shop_requests_total counter
shop_requests_total{method="GET",path="/a\\"}b"} 3

shop_request_seconds_sum 0.25
up 1 1700000000000
odd NaN
bucket{le="+Inf"} 1e+06
"""


def health(status: int | None = 200, **says: Any) -> Answer:
    body = json.dumps({"status": "ok", "sha": SHA, "data": "/data/shop.db", **says})
    return Answer(status=status, body=body, failure="" if status else "ReadTimeout")


WELL = RuntimeEvidence(
    health=health(),
    metrics=Answer(status=200, body=METRICS),
    log_lines=("an older version's trace", LINE, LINE),
    dockerfile="FROM python:3.12-slim AS build\nFROM build\nFROM alpine\n",
)


def test_a_contract_that_is_kept_has_nothing_against_it() -> None:
    assert keeps_contract(WELL, SHA, ALL).reasons == ()


def test_a_policy_that_asks_nothing_looks_at_nothing() -> None:
    assert keeps_contract(RuntimeEvidence(), SHA, RuntimeRules()).allowed


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("runtime.health", {"health": health(status=None)}, "/healthz does not answer (ReadTimeout)"),
    ("runtime.health", {"health": None}, "/healthz does not answer"),
    ("runtime.health", {"health": health(status=503)}, "/healthz answers 503, not 200"),
    ("runtime.health", {"health": health(sha=sha(2))}, f"/healthz says sha {sha(2)}, not {SHA}"),
    ("runtime.health", {"health": Answer(status=200, body="ok")}, f"/healthz says sha nothing, not {SHA}"),
    ("runtime.data", {"health": health(data="/tmp")}, "data is kept in /tmp, not /data/shop.db"),
    ("runtime.data", {"health": health(data="")}, "data is kept in no declared place, not /data/shop.db"),
    ("runtime.data", {"health": None}, "/healthz does not answer"),
    ("runtime.metrics", {"metrics": Answer(status=404)}, "/metrics answers 404, not 200"),
    ("runtime.metrics", {"metrics": None}, "/metrics does not answer"),
    ("runtime.metrics", {"metrics": Answer(status=200, body="# only words\n")}, "/metrics has no sample"),
    (
        "runtime.metrics",
        {"metrics": Answer(status=200, body='{"requests": 3}')},
        '/metrics has a line that Prometheus does not read: {"requests": 3}',
    ),
    ("runtime.json_logs", {"log_lines": ()}, "the log is empty"),
    ("runtime.json_logs", {"log_failure": "no such file"}, "the log cannot be read: no such file"),
    (
        "runtime.json_logs",
        {"log_lines": (LINE, "Traceback (most recent call last):")},
        "a line is no JSON object with time, level and message: Traceback (most recent call last):",
    ),
    (
        "runtime.json_logs",
        {"log_lines": ('{"time": "2026-11-21T10:00:00Z", "message": "x"}',)},
        'a line is no JSON object with time, level and message: {"time": "2026-11-21T10:00:00Z", '
        '"message": "x"}',
    ),
    ("runtime.base_image", {"dockerfile": None}, "there is no Dockerfile"),
    ("runtime.base_image", {"dockerfile": "# FROM alpine"}, "Dockerfile names no base image"),
    (
        "runtime.base_image",
        {"dockerfile": "FROM alpine\nFROM debian:13\nFROM $BASE"},
        "Dockerfile builds on debian:13, $BASE, which is not in the list",
    ),
]


@pytest.mark.parametrize(("rule", "seen", "why"), BROKEN)
def test_each_breach_is_said_with_its_rule(rule: str, seen: dict[str, Any], why: str) -> None:
    said = keeps_contract(WELL.model_copy(update=seen), SHA, ALL).reasons
    assert f"{rule}: {why}" in said


def test_every_rule_can_be_broken() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_left_empty_says_nothing_whatever_is_seen(rule: str) -> None:
    assert RULES[rule](RuntimeEvidence(), SHA, RuntimeRules()) == ""


def test_all_breaches_are_said_at_once() -> None:
    said = keeps_contract(RuntimeEvidence(), SHA, ALL).reasons
    assert [reason.partition(":")[0] for reason in said] == list(RULES)


@pytest.mark.parametrize(
    ("dockerfile", "images"),
    [
        ("ARG V=3.12\nFROM --platform=linux/amd64 python:${V}-slim", ("python:3.12-slim",)),
        ("ARG V='3.12'\nfrom python:$V", ("python:3.12",)),
        ("FROM a AS one\nRUN x\nFROM one as Two\nFROM two\nFROM b \\\n  AS three", ("a", "b")),
        ("FROM a\nFROM a", ("a",)),
        ("ARG V\nFROM x:$V", ("x:$V",)),
    ],
)
def test_the_base_images_of_a_dockerfile(dockerfile: str, images: tuple[str, ...]) -> None:
    assert base_images(dockerfile) == images


def test_every_rule_has_a_name_for_people_and_is_asked_by_its_own_field() -> None:
    assert [rule.id for rule in rules_of(ALL)] == list(RULES)
    assert all(rule.asked for rule in rules_of(ALL))
    assert not any(rule.asked for rule in rules_of(RuntimeRules()))


def test_what_is_excepted_is_not_said_and_the_rest_is() -> None:
    said = keeps_contract(RuntimeEvidence(), SHA, ALL, excepted=list(RULES)[1:]).reasons
    assert [reason.partition(":")[0] for reason in said] == ["runtime.health"]


def test_every_rule_is_proven_to_fail_alone() -> None:
    proofs = prove(ALL)
    assert {proof.gate for proof in proofs} == set(RULES)
    assert [proof for proof in proofs if proof.problem or not proof.reasons] == []
    assert prove(RuntimeRules()) == ()


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (RuntimeRules(base_images=("**",)), "it cannot fail: nothing violates it"),
        (RuntimeRules(base_images=("",)), "nothing satisfies it"),
    ],
)
def test_a_rule_that_allows_everything_or_nothing_is_reported(rules: RuntimeRules, problem: str) -> None:
    assert {proof.gate: proof.problem for proof in prove(rules) if proof.problem} == {
        "runtime.base_image": problem
    }
