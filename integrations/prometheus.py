"""Prometheus over its HTTP API: what a PromQL query gives at one moment, or over a time.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan
from typing import Literal, Never

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.errors import IntegrationError, Refused, Transient, from_status
from integrations.settings import PrometheusSettings

_WRONG_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.TooManyRedirects,
)


_ADVICE = "PromQL "
"""So begin warnings about how the query is written; all others are about data that could not be had."""


@dataclass(frozen=True)
class Series:
    """One series: its labels, and its values by time. A value may be NaN or infinite."""

    labels: Mapping[str, str]
    values: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True)
class Answer:
    """The series that a query gave, none for no data; `warnings` says why they may be incomplete."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore")


_Point = tuple[float, float]
"""Seconds since 1970, and the value, which the wire writes as text: `NaN` and `+Inf` are values too."""


class _Vector(_Wire):
    metric: dict[str, str]
    value: _Point


class _Matrix(_Wire):
    metric: dict[str, str]
    values: list[_Point]


class _OfVector(_Wire):
    resultType: Literal["vector"]  # noqa: N815 - the wire's name
    result: list[_Vector]


class _OfMatrix(_Wire):
    resultType: Literal["matrix"]  # noqa: N815
    result: list[_Matrix]


class _OfScalar(_Wire):
    resultType: Literal["scalar"]  # noqa: N815
    result: _Point


class _OfString(_Wire):
    resultType: Literal["string"]  # noqa: N815


class _Body(_Wire):
    status: Literal["success", "error"]
    data: _OfVector | _OfMatrix | _OfScalar | _OfString | None = Field(None, discriminator="resultType")
    error: str = ""
    warnings: list[str] = []


class Prometheus:
    """Asks one Prometheus, each question once, with a timeout. One per thread."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self._url = settings.url.rstrip("/")
        self._timeout_s = settings.timeout_s
        self._http = requests.Session()
        if token := settings.token.get_secret_value():
            self._http.headers["Authorization"] = f"Bearer {token}"

    def at(self, query: str, moment: datetime) -> Answer:
        """What `query` gives at `moment`: one value per series, a scalar as a series without labels.

        Raises:
            Refused: the query is wrong (400), cannot be carried out (422), or gives ranges.
            Transient: Prometheus did not answer, or is not ready (503).
        """
        return self._ask("query", query, {"time": _seconds(moment)})

    def over(self, query: str, begins: datetime, ends: datetime, step: timedelta) -> Answer:
        """What `query` gives from `begins` to `ends`, both included, every `step`.

        Raises:
            Refused: as `at`, or there are more than 11,000 points per series.
            Transient: as `at`.
        """
        span = {"start": _seconds(begins), "end": _seconds(ends), "step": str(step.total_seconds())}
        return self._ask("query_range", query, span)

    def number(self, query: str, moment: datetime) -> float | None:
        """The one value of `query` at `moment`; None where there is no data: no series, NaN or infinite.

        Raises:
            Refused: it gives several series: it has to sum them up.
            Transient: Prometheus warns that something is missing from the answer.
        """
        series = self._whole(query, moment)
        if len(series) > 1:
            raise Refused("prometheus", "query", query, detail=f"{len(series)} series, one is needed")
        value = series[0].values[-1][1] if series else nan
        return value if isfinite(value) else None

    def histogram(self, query: str, moment: datetime) -> dict[float, float] | None:
        """Upper bound -> requests not slower, from series by the label `le`; None where there is no data.

        Raises:
            Refused: the series are no histogram: each needs its own `le`, and one is `+Inf`.
            Transient: as `number`.
        """
        series = self._whole(query, moment)
        if not series:
            return None
        found = {_bound(one.labels.get("le", "")): one.values[-1][1] for one in series}
        if len(found) < len(series) or inf not in found or any(bound != bound for bound in found):
            raise Refused("prometheus", "query", query, detail="not a histogram summed by le")
        return found if all(isfinite(count) for count in found.values()) else None

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _whole(self, query: str, moment: datetime) -> tuple[Series, ...]:
        """All series: a part of the data would look like fewer errors."""
        answer = self.at(query, moment)
        lost = [said for said in answer.warnings if not said.startswith(_ADVICE)]
        if lost:
            raise Transient("prometheus", "query", query, 200, f"incomplete: {'; '.join(lost)}")
        return answer.series

    def _ask(self, what: Literal["query", "query_range"], query: str, about: Mapping[str, str]) -> Answer:
        form = {"query": query, "timeout": str(self._timeout_s), **about}
        try:
            answer = self._http.post(
                f"{self._url}/api/v1/{what}", data=form, timeout=self._timeout_s, allow_redirects=False
            )
        except _WRONG_URL:
            raise Refused("prometheus", what, self._url, detail="not an address") from None
        except requests.RequestException as error:
            raise Transient("prometheus", what, query, detail=type(error).__name__) from None
        body = _body(answer)
        if answer.status_code != 200 or body is None or body.data is None:
            _fail(what, query, answer.status_code, body)
        if isinstance(body.data, _OfString) or (what == "query" and isinstance(body.data, _OfMatrix)):
            kind = f"it gives a {body.data.resultType}, no values of one moment"
            raise Refused("prometheus", what, query, 200, kind)
        return Answer(_series(body.data), tuple(body.warnings))


def _fail(what: str, query: str, status: int, body: _Body | None) -> Never:
    said = body.error if body else "no answer of Prometheus"
    error: IntegrationError = from_status("prometheus", what, query, status, detail=said)
    if status < 400:
        error = Refused("prometheus", what, query, status, said or "an answer without data")
    raise error


def _body(answer: requests.Response) -> _Body | None:
    try:
        return _Body.model_validate_json(answer.content)
    except ValidationError:
        return None


def _series(data: _OfVector | _OfMatrix | _OfScalar) -> tuple[Series, ...]:
    if isinstance(data, _OfScalar):
        return (Series({}, _points([data.result])),)
    if isinstance(data, _OfVector):
        return tuple(Series(row.metric, _points([row.value])) for row in data.result)
    return tuple(Series(row.metric, _points(row.values)) for row in data.result)


def _points(points: Sequence[_Point]) -> tuple[tuple[datetime, float], ...]:
    return tuple((datetime.fromtimestamp(at, UTC), value) for at, value in points)


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def _seconds(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"
