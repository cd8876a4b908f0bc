"""Signed, expiring links for people who decide without Slack."""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from integrations.errors import Refused
from integrations.settings import settings

MAX_AGE_S = 14 * 24 * 3600


@dataclass(frozen=True)
class Link:
    """Who may decide what through it: a person's slug and a request's id."""

    person: str
    request: str


def _signer() -> URLSafeTimedSerializer:
    secret = settings().link_secret.get_secret_value()
    if not secret:
        raise Refused("links", "sign", "link", detail="set CONVEYOR_LINK_SECRET")
    return URLSafeTimedSerializer(secret, salt="conveyor.sign-off")


def url(link: Link) -> str:
    """The address to hand to that person, and to nobody else."""
    token = _signer().dumps({"person": link.person, "request": link.request})
    return f"{settings().public_url}/decide/{token}"


def read(token: str, max_age_s: float = MAX_AGE_S) -> Link:
    """Who holds the link and what for.

    Raises:
        Refused: it was not made by us, was changed, or is older than `max_age_s`.
    """
    try:
        data: dict[str, str] = _signer().loads(token, max_age=int(max_age_s))
        return Link(data["person"], data["request"])
    except SignatureExpired:
        raise Refused("links", "read", "link", detail="it has expired") from None
    except (BadSignature, KeyError, TypeError):
        raise Refused("links", "read", "link", detail="it is not valid") from None
