"""Signed, expiring links for people who decide without Slack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from integrations.errors import Refused
from integrations.settings import settings

MAX_AGE_S = 14 * 24 * 3600


Purpose = Literal["decide", "mine-too"]
"""What a link is for: the page that it leads to. A link for one page is none for another."""

_SALTS: Mapping[Purpose, str] = {"decide": "conveyor.sign-off", "mine-too": "conveyor.mine-too"}


@dataclass(frozen=True)
class Link:
    """Who may decide what through it: who it is (a person's slug, say) and a request's id."""

    person: str
    request: str


def _signer(purpose: Purpose) -> URLSafeTimedSerializer:
    secret = settings().link_secret.get_secret_value()
    if not secret:
        raise Refused("links", "sign", "link", detail="set CONVEYOR_LINK_SECRET")
    return URLSafeTimedSerializer(secret, salt=_SALTS[purpose])


def url(link: Link, purpose: Purpose = "decide") -> str:
    """The address to hand to that person, and to nobody else."""
    token = _signer(purpose).dumps({"person": link.person, "request": link.request})
    return f"{settings().public_url}/{purpose}/{token}"


def read(token: str, max_age_s: float = MAX_AGE_S, *, purpose: Purpose = "decide") -> Link:
    """Who holds the link and what for.

    Raises:
        Refused: it was not made by us, was changed, or is older than `max_age_s`.
    """
    try:
        data: dict[str, str] = _signer(purpose).loads(token, max_age=int(max_age_s))
        return Link(data["person"], data["request"])
    except SignatureExpired:
        raise Refused("links", "read", "link", detail="it has expired") from None
    except (BadSignature, KeyError, TypeError):
        raise Refused("links", "read", "link", detail="it is not valid") from None
