"""What the policy may say of environments, and what of production is found below staging."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.environments import Environment, Finding, Value, findings, origin
from lifecycle.policy import Project
from tests.lifecycle.story import policy_data

PRODUCTION = Environment.model_validate(
    {"name": "production", "tier": "production", "url": "https://shop.example", "data": "real"}
)
DEV = Environment.model_validate({"name": "dev", "tier": "development", "url": "http://dev.example"})
REVIEW = Environment.model_validate({"name": "review/*", "tier": "development"})
STAGING = Environment.model_validate({"name": "staging", "tier": "staging", "url": "http://s.example"})


def project(*environments: dict[str, Any], **changes: Any) -> Project:
    data = policy_data()["projects"][0]
    return Project.model_validate({**data, "environments": environments, **changes})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"name": "dev", "tier": "development", "data": "real"}, "seeded data only"),
        ({"name": "test", "tier": "testing", "data": "real"}, "seeded data only"),
        ({"name": "staging", "tier": "staging", "url": "http://staging.example", "stubs": True}, "stubs"),
        ({"name": "production", "tier": "production", "url": "http://shop.example", "stubs": True}, "stubs"),
        ({"name": "staging", "tier": "production"}, "only production"),
        ({"name": "staging", "tier": "staging", "url": "http://other.example"}, "its url is the project's"),
        ({"name": "production", "tier": "staging", "url": "http://shop.example"}, "only production"),
        ({"name": "live", "tier": "production", "url": "http://live.example"}, "only production"),
        ({"name": "dev", "tier": "development", "url": "HTTP://SHOP.example:80/x"}, "production's address"),
        ({"name": "dev", "tier": "other"}, "tier"),
        ({"name": "", "tier": "testing"}, "name"),
    ],
)
def test_an_environment_that_cannot_be_is_refused(bad: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        project(bad)


def test_a_name_stands_once() -> None:
    dev = {"name": "dev", "tier": "development"}
    with pytest.raises(ValidationError, match="dev stands twice"):
        project(dev, dev)


def test_staging_and_production_are_there_without_being_named() -> None:
    usual = {place.name: (place.tier.value, place.url, place.data) for place in project().places}
    assert usual == {
        "staging": ("staging", "http://staging.example", "seeded"),
        "production": ("production", "http://shop.example", "real"),
    }
    staging = {"name": "staging", "tier": "staging", "url": "http://staging.example", "data": "real"}
    places = project({"name": "dev", "tier": "development"}, staging).places
    assert [(place.name, place.data) for place in places] == [
        ("dev", "seeded"),
        ("staging", "real"),
        ("production", "real"),
    ]


@pytest.mark.parametrize(
    ("environment", "files"), [(DEV, ("deploy/dev.env",)), (REVIEW, ("deploy/review.env",))]
)
def test_settings_are_found_by_the_environments_name(environment: Environment, files: tuple[str]) -> None:
    assert environment.settings_files("deploy/{environment}.env") == files
    own = environment.model_copy(update={"files": ("a.env", "b.env")})
    assert own.settings_files("deploy/{environment}.env") == ("a.env", "b.env")


# What is found.


def found(environment: Environment, *values: Value, **files: str) -> tuple[Finding, ...]:
    return findings(environment, PRODUCTION, values, files)


@pytest.mark.parametrize(
    "value",
    [
        "https://shop.example",
        "HTTPS://Shop.Example:443/api",
        "a=1 https://shop.example/x",
        "shop.example:443",
    ],
)
def test_productions_address_is_found_in_whatever_reaches_the_environment(value: str) -> None:
    [one] = found(DEV, Value("BACKEND", value))
    assert one == Finding("dev", "variable BACKEND (scope *)", "production's address")
    [two] = found(DEV, deploy=f"# https://shop.example\nBACKEND = '{value.split()[-1]}'\nPLAIN\n")
    assert two == Finding("dev", "deploy: BACKEND", "production's address")


@pytest.mark.parametrize(
    "value",
    ["", "https://shop.example.test", "http://shop.example", "https://[", "shop", "http://x:99999999"],
)
def test_what_only_looks_like_it_is_not_found(value: str) -> None:
    assert found(DEV, Value("BACKEND", value)) == ()


def test_a_secret_of_productions_is_found_and_never_told() -> None:
    own = Value("DB_PASSWORD", "s3cr3t-value", "production")
    [one] = found(DEV, own, Value("DB_PASSWORD", "s3cr3t-value", "dev"))
    assert one == Finding("dev", "variable DB_PASSWORD (scope dev)", "the same value as production's")
    [two] = found(DEV, own, settings="DB_PASSWORD=s3cr3t-value")
    assert two.problem == "the same value as production's"
    assert found(DEV, own, Value("DB_PASSWORD", "another-value", "dev")) == ()
    assert found(DEV, Value("DEBUG", "true", "production"), Value("DEBUG", "true", "dev")) == ()


def test_an_address_that_only_productions_variables_know_is_found_too() -> None:
    own = Value("DB_URL", "postgres://db.internal:5432/shop", "production")
    assert [f.where for f in found(DEV, own, Value("REPLICA", "http://db.internal:5432", "*"))] == [
        "variable REPLICA (scope *)"
    ]


@pytest.mark.parametrize(
    ("environment", "scope", "reaches"),
    [
        (DEV, "*", True),
        (DEV, "dev", True),
        (DEV, "d*", True),
        (DEV, "staging", False),
        (REVIEW, "review/cart", True),
        (REVIEW, "review/*", True),
        (REVIEW, "dev", False),
    ],
)
def test_only_what_reaches_the_environment_counts(
    environment: Environment, scope: str, reaches: bool
) -> None:
    assert bool(found(environment, Value("BACKEND", "https://shop.example", scope))) is reaches


@pytest.mark.parametrize("environment", [STAGING, PRODUCTION])
def test_staging_and_production_are_not_looked_into(environment: Environment) -> None:
    assert found(environment, Value("BACKEND", "https://shop.example")) == ()


@given(st.text(), st.text())
def test_no_text_makes_it_fail(value: str, text: str) -> None:
    for each in found(DEV, Value("X", value), settings=text):
        assert each.environment == "dev"
    assert isinstance(origin(value), str)
