"""The environments of a project, and what of production must not be found in those that developers use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, Field, model_validator

_SHORTEST_SECRET = 6
"""A shorter value, such as `true` or a number of seconds, may be the same by chance."""
_PORTS = {"http": "80", "https": "443"}
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[^@/\s]*@)?([^/:\s@?#]+)(?::(\d{1,5}))?(?:[/?#]\S*)?")


class Tier(StrEnum):
    """What an environment is for, in GitLab's words."""

    DEVELOPMENT = "development"
    TESTING = "testing"
    STAGING = "staging"
    PRODUCTION = "production"


class Environment(BaseModel, frozen=True, extra="forbid"):
    """One place that the product runs in. A `*` in the name stands for many: `review/*`."""

    name: str = Field(min_length=1, description="as GitLab calls it")
    tier: Tier
    url: str = ""
    data: Literal["seeded", "real"] = "seeded"
    stubs: bool = Field(default=False, description="other systems may be stand-ins; only below staging")
    files: tuple[str, ...] = Field(
        default=(), description="settings in the repository; the project's settings_file if left out"
    )

    @property
    def below_staging(self) -> bool:
        """Developers use it freely, so nothing of production may be in it."""
        return self.tier in (Tier.DEVELOPMENT, Tier.TESTING)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.below_staging and self.data == "real":
            raise ValueError(f"environment {self.name}: {self.tier} uses seeded data only")
        if self.stubs and not self.below_staging:
            raise ValueError(f"environment {self.name}: stubs are for what is below staging")
        return self

    def settings_files(self, usual: str) -> tuple[str, ...]:
        """Its settings in the repository; `usual` has `{environment}` in it, without what follows a `/`."""
        return self.files or (usual.replace("{environment}", self.name.partition("/")[0]),)


def places(named: Sequence[Environment], staging: str, production: str) -> tuple[Environment, ...]:
    """All environments of a project whose staging and production have these addresses.

    These two are there without being named, and have their address without saying it.
    """
    urls = {"staging": staging, "production": production}
    usual = (
        Environment(name="staging", tier=Tier.STAGING, url=staging),
        Environment(name="production", tier=Tier.PRODUCTION, url=production, data="real"),
    )
    known = {place.name for place in named}
    given = [p.model_copy(update={"url": p.url or urls.get(p.name, "")}) for p in named]
    return (*given, *(place for place in usual if place.name not in known))


def objection(environments: Sequence[Environment], staging: str, production: str) -> str:
    """Why these cannot be the environments of one project, "" if they can."""
    names = [environment.name for environment in environments]
    urls = {"staging": staging, "production": production}
    for place in environments:
        if names.count(place.name) > 1:
            return f"environment {place.name} stands twice"
        if urls.get(place.name, place.url) != place.url:
            return f"environment {place.name}: its url is the project's, {urls[place.name]}"
        if (place.name == "production") != (place.tier is Tier.PRODUCTION):
            return f"environment {place.name}: only production is of the tier production"
        if place.below_staging and place.url and origin(place.url) == origin(production):
            return f"environment {place.name} has production's address"
    return ""


class Value(NamedTuple):
    """A CI/CD variable for the environments that `scope` (`*` allowed) names."""

    key: str
    value: str
    scope: str = "*"

    def reaches(self, environment: str) -> bool:
        """Whether jobs of `environment` get it; of one that stands for many, whether any of them does."""
        return fnmatchcase(environment, self.scope) or fnmatchcase(self.scope, environment)


class Finding(NamedTuple):
    """What must not be: `where` is a variable's or a file's name. Values are never told."""

    environment: str
    where: str
    problem: str


def origin(url: str) -> str:
    """Host and port of an address, in lower case; "" for what is none."""
    match = _URL.fullmatch(url.strip().lower())
    if match is None:
        return ""
    scheme, host, port = match.groups()
    found = port or _PORTS.get(scheme, "")
    return f"{host}:{found}" if found else ""


def findings(
    environment: Environment, production: Environment, values: Sequence[Value], files: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Production's addresses and secrets that an environment below staging would get; none of the others.

    `values` are all CI/CD variables, `files` the environment's settings by path. Production's secrets are
    the variables that are scoped to it.
    """
    if not environment.below_staging:
        return ()
    own = [value for value in values if value.scope != "*" and value.reaches(production.name)]
    addresses = {origin(text) for text in (production.url, *(v.value for v in own))} - {""}
    secrets = {v.value for v in own if len(v.value) >= _SHORTEST_SECRET}
    found: list[Finding] = []
    for value in values:
        if value.reaches(environment.name):
            where = f"variable {value.key} (scope {value.scope})"
            found += [Finding(environment.name, where, why) for why in _why(value.value, addresses, secrets)]
    for path, text in files.items():
        for name, value in _settings(text):
            why = _why(value, addresses, secrets)
            found += [Finding(environment.name, f"{path}: {name}", each) for each in why]
    return tuple(found)


def _why(value: str, addresses: set[str], secrets: set[str]) -> Iterator[str]:
    if any(_names(value, address) for address in addresses):
        yield "production's address"
    elif value in secrets:
        yield "the same value as production's"


def _names(value: str, address: str) -> bool:
    """Whether the address stands in `value`, as a URL or as host:port; among other things too."""
    words = value.replace(",", " ").replace(";", " ").split()
    return any(address in (origin(word), word.lower().strip("/")) for word in words)


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """The `NAME=value` lines of a settings file; a comment sets nothing."""
    for line in text.splitlines():
        name, given, value = line.strip().partition("=")
        if given and not name.startswith("#"):
            yield name.strip(), value.strip().strip("\"'")
