"""One HTTP session to one Jira: login, timeout, and Jira's errors as ours. Never a retry.

The SDK gives the session, the login and the error type. Its own methods are not used: on the wire they look
users up by fuzzy name, stop at one page, choose transitions by their own name or sleep.
Source: https://github.com/pycontribs/jira (jira 3.10.5, client.py, resilientsession.py)
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from jira import JIRA, JIRAError
from requests import Response, Session
from requests.exceptions import InvalidURL, MissingSchema, RequestException

from integrations.errors import IntegrationError, Refused, Transient, from_status
from integrations.jira.models import Json, account_of, as_list, as_object
from integrations.settings import JiraSettings

Flavor = Literal["cloud", "server"]


class JiraSession:
    """Calls Jira's REST API v2 (plain text bodies, the same on both products).

    Not safe to share between threads: `requests` sessions are not. It holds a secret: never a parameter or
    a result of a flow.
    """

    def __init__(self, settings: JiraSettings) -> None:
        self._settings = settings
        self._flavor: Flavor | None = None if settings.flavor == "auto" else settings.flavor
        self._sdk: JIRA | None = None

    @property
    def flavor(self) -> Flavor:
        """Cloud or Server (Data Center too): from the settings, or asked once, without login."""
        if self._flavor is None:
            anonymous = _sdk(self._settings)
            info = as_object(_send(anonymous, "server info", "", "GET", f"{self.url}/rest/api/2/serverInfo"))
            self._flavor = "cloud" if info.get("deploymentType") == "Cloud" else "server"
        return self._flavor

    @property
    def url(self) -> str:
        """The site, without a slash at its end."""
        return self._settings.url.rstrip("/")

    def call(
        self,
        operation: str,
        object_id: str,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str | int] | None = None,
        api: str = "api/2",
    ) -> Any:
        """Send one request to `/rest/{api}/{path}` and return the parsed answer, None if it is empty.

        Raises:
            Transient: no answer, one that cannot be read, 408, 425, 429 or 5xx: it may have taken effect.
            NotFound: 404 or 410.
            Conflict: 409 and its likes.
            Refused: every other refusal; `detail` holds what Jira said about the input.
        """
        url = f"{self.url}/rest/{api}/{path}"
        return _send(self._connected(), operation, object_id, method, url, json=json, params=params)

    def issue(self, operation: str, key: str, fields: str, **params: str) -> Json:
        """The raw issue with those fields, separated by commas."""
        sent = {"fields": fields, **params}
        return as_object(self.call(operation, key, "GET", f"issue/{segment(key)}", params=sent))

    def myself(self) -> str:
        """The account id these credentials act as."""
        return account_of(self.call("myself", "", "GET", "myself"))

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        if self._sdk is not None:
            self._sdk.close()
            self._sdk = None

    def _connected(self) -> JIRA:
        if self._sdk is None:
            self._sdk = _sdk(self._settings, self.flavor)
        return self._sdk


class Port:
    """What the parts of `JiraClient` share: one session."""

    def __init__(self, session: JiraSession) -> None:
        self._jira = session


def told(answer: object, name: str, operation: str, object_id: str) -> str:
    """What an answer has to tell, as text.

    Raises:
        Transient: it does not; the call may have taken effect.
    """
    value = as_object(answer).get(name)
    if not value:
        raise Transient("jira", operation, object_id, None, f"the answer has no {name}")
    return str(value)


def segment(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")


def _sdk(settings: JiraSettings, flavor: Flavor | None = None) -> JIRA:
    """A client of the SDK that does nothing on its own; without a flavor it does not log in."""
    token = settings.token.get_secret_value()
    login: dict[str, Any] = {}
    if flavor == "cloud":
        login["basic_auth"] = (settings.user, token)
    elif flavor == "server":
        login["token_auth"] = token
    return JIRA(
        settings.url, get_server_info=False, max_retries=0, timeout=settings.timeout_s, logging=False, **login
    )


def _send(sdk: JIRA, operation: str, object_id: str, method: str, url: str, **sent: Any) -> Any:
    # The SDK has no public way to send a body of one's own.
    session: Session = cast("Any", sdk)._session  # noqa: SLF001
    try:
        answer: Response = session.request(method, url, allow_redirects=False, **sent)
        if answer.is_redirect:
            raise Refused("jira", operation, object_id, answer.status_code, "redirected: is the URL right?")
        return answer.json() if answer.content else None
    except JIRAError as error:  # its text holds headers and bodies
        raise _ours(operation, object_id, error) from None
    except (InvalidURL, MissingSchema):
        raise Refused("jira", operation, object_id, None, "CONVEYOR_JIRA_URL is not a URL") from None
    except RequestException as error:  # timeouts and dropped connections come through as they are
        raise Transient("jira", operation, object_id, None, type(error).__name__) from None


def _ours(operation: str, object_id: str, error: JIRAError) -> IntegrationError:
    response: Response | None = error.response
    headers: Mapping[str, str] = {} if response is None else response.headers
    return from_status(
        "jira",
        operation,
        object_id,
        error.status_code,
        detail="" if response is None else _said(response),
        retry_after_s=retry_after_s(headers),
    )


def _said(response: Response) -> str:
    """What Jira says is wrong, shortened; nothing of an answer that is not Jira's error shape."""
    body: Json = {}
    with suppress(ValueError):
        body = as_object(response.json())
    errors = [f"{field}: {text}" for field, text in as_object(body.get("errors")).items()]
    desk = [str(body["errorMessage"])] if body.get("errorMessage") else []
    return "; ".join([*map(str, as_list(body.get("errorMessages"))), *errors, *desk])[:300]


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """How long Jira says to wait, in seconds: `Retry-After` as seconds or date, else `X-RateLimit-Reset`."""
    now = now or datetime.now(UTC)
    given = headers.get("Retry-After", "")
    with suppress(ValueError):
        return max(0.0, float(given))
    for text, parse in ((given, parsedate_to_datetime), (headers.get("X-RateLimit-Reset", ""), _iso)):
        with suppress(ValueError, TypeError):
            return max(0.0, (parse(text) - now).total_seconds())
    return None


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text)
