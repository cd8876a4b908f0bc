"""The one place where a request to GitLab is sent: python-gitlab with its own retrying switched off.

Errors come out as `integrations.errors`, answers as models. Not a port: the client's parts use it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

import gitlab
import gitlab.v4.objects  # pyright: ignore[reportUnusedImport]  # imported at the first use otherwise
import requests
from gitlab.exceptions import GitlabError, GitlabParsingError, RedirectError
from pydantic import BaseModel, ValidationError
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, RequestException, TooManyRedirects

from integrations.errors import IntegrationError, NotFound, Refused, Terminal, Transient, from_status
from integrations.settings import GitLabSettings

M = TypeVar("M", bound=BaseModel)
Value = str | int | bool | datetime | None

# For REST these are per-call arguments only; the retry layer is the tasks'.
_ONE_TRY: Any = {"max_retries": 0, "retry_transient_errors": False, "obey_rate_limit": False}
_PER_PAGE = 100
_WRONG_URL = (RedirectError, TooManyRedirects, MissingSchema, InvalidSchema, InvalidURL)


def segment(value: str | int) -> str:
    """`value` as one segment of a path: `release/1.4.0` becomes `release%2F1.4.0`.

    Raises:
        ValueError: empty, `.` or `..` would name another object than meant.
    """
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"not the name of a GitLab object: {text!r}")
    return quote(text, safe="")


class _Requests(requests.Session):
    """Remembers the last answer's Retry-After, and keeps the token on our own host.

    requests takes `Authorization` off when a redirect leaves the host (artifacts in object storage do),
    but does not know `PRIVATE-TOKEN`.
    """

    retry_after: str | None = None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.retry_after = None
        response = super().send(request, **kwargs)
        self.retry_after = response.headers.get("Retry-After")
        return response

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        here, there = urlsplit(str(response.request.url)), urlsplit(str(prepared_request.url))
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            prepared_request.headers.pop("PRIVATE-TOKEN", None)


class Session:
    """Sends requests, each once, with a timeout. One session per thread."""

    def __init__(self, settings: GitLabSettings) -> None:
        self._http = _Requests()
        self._gitlab = gitlab.Gitlab(
            url=settings.url,
            private_token=settings.token.get_secret_value() or None,
            timeout=settings.timeout_s,
            # A server that thinks it lives elsewhere must not send us, and our token, there.
            keep_base_url=True,
            session=self._http,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, model: type[M], operation: str, path: str, query: Mapping[str, Value] | None = None) -> M:
        """The object at `path`, which must be there."""
        return self._read(model, operation, path, self._send("get", operation, path, query))

    def find(
        self, model: type[M], operation: str, path: str, query: Mapping[str, Value] | None = None
    ) -> M | None:
        """The object at `path`, or None if it is not there."""
        try:
            return self.get(model, operation, path, query)
        except NotFound:
            return None

    def rows(
        self, model: type[M], operation: str, path: str, query: Mapping[str, Value] | None = None
    ) -> Iterator[M]:
        """All objects of the list at `path`; pages are fetched as they are needed."""
        with self._errors(operation, path):
            found = self._gitlab.http_list(
                f"/{path}", _plain({"per_page": _PER_PAGE, **(query or {})}), iterator=True, **_ONE_TRY
            )
        pages = iter(found)
        while (row := self._next(pages, operation, path)) is not None:
            yield _parse(model, operation, path, row)

    def post(self, model: type[M], operation: str, path: str, body: Mapping[str, Any] | None = None) -> M:
        """Send one POST; what it made or changed."""
        return self._read(model, operation, path, self._send("post", operation, path, body=body))

    def put(self, model: type[M], operation: str, path: str, body: Mapping[str, Any]) -> M:
        """Send one PUT; what the object is then."""
        return self._read(model, operation, path, self._send("put", operation, path, body=body))

    def delete(self, operation: str, path: str) -> None:
        """Send one DELETE."""
        self._send("delete", operation, path)

    def chunks(self, operation: str, path: str) -> Iterator[bytes]:
        """The bytes at `path` as they come, unpacked; the caller decides how many it takes."""
        response = self._send("get", operation, path, streamed=True)
        try:
            with self._errors(operation, path):
                yield from response.iter_content(64 * 1024)
        finally:
            response.close()

    def _next(self, pages: Iterator[object], operation: str, path: str) -> object | None:
        """The next row, of the next page if need be; None after the last."""
        try:
            with self._errors(operation, path):
                return next(pages, None)
        except (KeyError, TypeError):
            raise Terminal("gitlab", operation, path, 200, "the answer is no list") from None

    def _send(
        self,
        verb: str,
        operation: str,
        path: str,
        query: Mapping[str, Value] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        streamed: bool = False,
    ) -> requests.Response:
        with self._errors(operation, path):
            return self._gitlab.http_request(
                verb,
                f"/{path}",
                query_data=_plain(query or {}),
                post_data=None if body is None else dict(body),
                streamed=streamed,
                **_ONE_TRY,
            )

    def _read(self, model: type[M], operation: str, path: str, response: requests.Response) -> M:
        with self._errors(operation, path):
            answer = response.json()
        return _parse(model, operation, path, answer)

    @contextmanager
    def _errors(self, operation: str, path: str) -> Generator[None, None, None]:
        """Turn what python-gitlab and requests raise into our errors; their texts hold bodies."""
        try:
            yield
        except _WRONG_URL as error:
            raise Refused("gitlab", operation, path, None, f"{type(error).__name__}: check the URL") from None
        except GitlabParsingError:
            raise Transient("gitlab", operation, path, 200, "the answer is not JSON") from None
        except GitlabError as error:
            raise self._error(operation, path, error) from None
        except RequestException as error:
            raise Transient("gitlab", operation, path, None, type(error).__name__) from None

    def _error(self, operation: str, path: str, error: GitlabError) -> IntegrationError:
        wait = self._http.retry_after or ""
        return from_status(
            "gitlab",
            operation,
            path,
            error.response_code,
            detail=_message(error),
            retry_after_s=float(wait) if wait.isdecimal() else None,
        )


def _message(error: GitlabError) -> str:
    """GitLab's own words, if it gave any as JSON; a proxy's HTML page is none."""
    said = cast("object", error.error_message)
    if isinstance(error.response_body, bytes) and error.response_body == str(said).encode():
        return ""
    return " ".join(str(said).split())[:200]


def _plain(query: Mapping[str, Value]) -> dict[str, str | int]:
    """The query as GitLab reads it: no nulls, `true`, times in ISO 8601."""
    plain: dict[str, str | int] = {}
    for name, value in query.items():
        if isinstance(value, bool):
            plain[name] = "true" if value else "false"
        elif isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif value is not None:
            plain[name] = value
    return plain


def _parse(model: type[M], operation: str, path: str, answer: object) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:3])
        detail = f"not understood as {model.__name__}: {where}"
        raise Terminal("gitlab", operation, path, 200, detail) from None
