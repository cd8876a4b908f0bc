"""How GitLab writes values: nulls, times, sums. Shared by the API's models and the webhooks' events."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Wire(BaseModel):
    """A frozen value read from GitLab; what it does not name is ignored, so newer versions are taken."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


def time_of(value: object) -> object:
    """Aware UTC from any of GitLab's formats; "" and None mean that it has not happened.

    The API writes ISO 8601 with `Z` or an offset; webhooks mix in `2017-09-15 16:50:55 UTC` and
    `2021-04-28 21:50:00 +0200`.
    Source: https://gitlab.com/gitlab-org/gitlab/-/issues/263111
    """
    if isinstance(value, str):
        text = re.sub(r" UTC$", "+00:00", value.strip())
        text = re.sub(r" ([+-]\d\d:?\d\d)$", r"\1", text)
        value = datetime.fromisoformat(text) if text else None
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("no time that there is in UTC") from None


def _or_empty(value: object) -> object:
    return "" if value is None else value


def _or_false(value: object) -> object:
    return False if value is None else value


def _or_nothing(value: object) -> object:
    return () if value is None else value


Time = Annotated[datetime, BeforeValidator(time_of)]
OptionalTime = Annotated[datetime | None, BeforeValidator(time_of)]
Text = Annotated[str, BeforeValidator(_or_empty)]
Flag = Annotated[bool, BeforeValidator(_or_false)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_or_nothing)]
