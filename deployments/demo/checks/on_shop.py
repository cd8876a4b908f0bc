"""What the shop answers to a customer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from deployments.demo.checks.facts import Check, Facts, Finding
from deployments.demo.checks.on_git import commit_of
from deployments.demo.checks.outside import Outside


def checks(facts: Facts) -> Iterator[Check]:
    """Which version is served where, and that it works."""

    def row(name: str, look: partial[Finding]) -> Check:
        return Check(f"shop.{name}", "shop", look)

    yield row("production", partial(_serves, environment="production", ref=facts.hotfix))
    yield row("staging", partial(_serves, environment="staging", ref=facts.hotfix_candidate))
    yield row("cart", partial(_cart))
    yield row("search", partial(_search))


def _url(outside: Outside, environment: str) -> str:
    return {"production": outside.facts.production_url, "staging": outside.facts.staging_url}[environment]


def _serves(outside: Outside, environment: str, ref: str) -> Finding:
    """the environment serves that commit and is well"""
    status, text = outside.page(f"{_url(outside, environment)}/healthz")
    about = json.loads(text) if status == 200 else {}
    seen = f"{status} {about.get('version')} {str(about.get('sha'))[:8]} {about.get('environment')}"
    return Finding(f"200 {ref} {commit_of(outside, ref)[:8]} {environment}", seen)


def _cart(outside: Outside) -> Finding:
    """the page that the fault had broken offers what was asked for"""
    status, text = outside.page(f"{outside.facts.production_url}/cart")
    offer = "Wrap it as a gift"
    return Finding(f"200 {offer}", f"{status} {offer if offer in text else 'no gift wrap'}")


def _search(outside: Outside) -> Finding:
    """the rework is live: small letters find what is written in capitals"""
    status, text = outside.page(f"{outside.facts.production_url}/api/products?q=teapot")
    found = ", ".join(one["id"] for one in json.loads(text)) if status == 200 else ""
    return Finding("200 teapot", f"{status} {found}")
