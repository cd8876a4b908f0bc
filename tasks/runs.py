"""Flow runs as the rest of Conveyor needs them: start one once, look at one, bring one forward.

The only place that speaks to Prefect's API; what a run *is* stays Prefect's own business.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import httpx
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Crashed, Scheduled

from integrations.errors import IntegrationError, NotFound, Transient, from_status

_TRIES, _PAUSE_S = 12, 0.15
"""How often, and how soon after one another, a locked database is asked."""

DEAD = ("CRASHED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class Run:
    """One flow run's present state. `since` is aware UTC; `due` only while it is scheduled."""

    id: str
    type: str
    name: str
    since: datetime
    due: datetime | None

    @property
    def waits(self) -> bool:
        """It is scheduled for later, and no process holds it."""
        return self.type == "SCHEDULED" and self.due is not None and self.due > datetime.now(UTC)


_local = threading.local()


@contextmanager
def _client() -> Generator[SyncPrefectClient]:
    """This thread's client, of this process and address: to build one costs more than many a request."""
    key = (os.getpid(), PREFECT_API_URL.value())
    if getattr(_local, "key", None) != key:
        _local.client = get_client(sync_client=True).__enter__()
        _local.key = key
    yield _local.client


def _failure(operation: str, object_id: str, error: Exception) -> IntegrationError:
    if isinstance(error, PrefectHTTPStatusError):
        return from_status("prefect", operation, object_id, error.response.status_code)
    return Transient("prefect", operation, object_id, detail=type(error).__name__)


def look(run_id: str) -> Run | None:
    """The run, or None if Prefect has none of that id."""
    try:
        with _client() as client:
            run = client.read_flow_run(UUID(run_id))
    except ObjectNotFound:
        return None
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise _failure("read run", run_id, error) from None
    state = run.state
    if state is None:
        return Run(run_id, "PENDING", "Pending", run.created or datetime.now(UTC), None)
    due = state.state_details.scheduled_time if state.type.value == "SCHEDULED" else None
    return Run(run_id, state.type.value, state.name or "", state.timestamp, due)


def start(
    deployment: str,
    parameters: Mapping[str, object],
    *,
    name: str,
    idempotency_key: str,
    tags: Sequence[str] = (),
) -> str:
    """The id of the run with that `idempotency_key`, created for now if there is none yet.

    Raises:
        NotFound: `deployment` ("flow/name") is not registered: run `prefect deploy --all`.
        Transient: Prefect did not answer; call again with the same key.
    """

    def ask(client: SyncPrefectClient) -> str:
        found = client.read_deployment_by_name(deployment)
        run = client.create_flow_run_from_deployment(
            found.id,
            parameters=dict(parameters),
            name=name,
            idempotency_key=idempotency_key,
            tags=list(tags),
        )
        return str(run.id)

    try:
        return _at_once(ask)
    except ObjectNotFound:
        raise NotFound("prefect", "start run of", deployment) from None
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise _failure("start run of", deployment, error) from None


def _at_once(ask: Callable[[SyncPrefectClient], str]) -> str:
    """Ask what may be asked again, soon after each 503: a SQLite database is locked for an instant only.

    Prefect's own client would wait 2 s, then 4, then 8.
    """
    tries = 0
    while True:
        try:
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), _client() as client:
                return ask(client)
        except PrefectHTTPStatusError as error:
            tries += 1
            if error.response.status_code != 503 or tries == _TRIES:
                raise
            time.sleep(_PAUSE_S)


def set_state(run_id: str, state: State, *, force: bool = False) -> bool:
    """Put the run into `state`; False if Prefect's rules said no.

    Raises:
        NotFound: no such run.
        Transient: Prefect did not answer; look at the run before calling again.
    """
    try:
        with _client() as client:
            result = client.set_flow_run_state(UUID(run_id), state, force=force)
            return result.status.value == "ACCEPT"
    except ObjectNotFound:
        raise NotFound("prefect", "set state of", run_id) from None
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise _failure("set state of", run_id, error) from None


def bring_forward(run: Run, name: str = "Decided") -> bool:
    """Make a run that waits due now; one that does not wait is left as it is (False)."""
    if not run.waits:
        return False
    return set_state(run.id, Scheduled(name=name, scheduled_time=datetime.now(UTC)))


def bury(run_id: str, why: str) -> bool:
    """Put a run whose process is gone into Crashed, so that nothing waits for it any more."""
    return set_state(run_id, Crashed(message=why), force=True)


def show(page: str, key: str, description: str, artifact_id: str = "") -> str:
    """Put a Markdown page up in place of what the artifact shows, or as a new one; the artifact's id.

    Raises:
        Transient: Prefect did not answer; a repeat at worst leaves an older page beside the newer one.
    """
    try:
        if artifact_id:
            with _client() as client:
                client.update_artifact(UUID(artifact_id), ArtifactUpdate(data=page))
            return artifact_id
        return str(create_markdown_artifact(page, key=key, description=description))
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise _failure("show", key, error) from None


@dataclass(frozen=True)
class Happening:
    """A ledger event as Prefect's event feed shows it. `id` is the same however often it is sent."""

    id: UUID
    occurred: datetime
    event: str
    resource_id: str
    resource_name: str
    payload: Mapping[str, object]


def publish(happenings: Sequence[Happening]) -> None:
    """Put ledger events on Prefect's feed, for automations; decisions never depend on them.

    Raises:
        Transient: Prefect did not answer; send the same ones again, their ids are the same.
    """
    body = [
        {
            "id": str(h.id),
            "occurred": h.occurred.isoformat(),
            "event": h.event,
            "resource": {"prefect.resource.id": h.resource_id, "prefect.resource.name": h.resource_name},
            "payload": dict(h.payload),
        }
        for h in happenings
    ]
    try:
        with _client() as client:
            client.request("POST", "/events", json=body)
    except (httpx.HTTPError, PrefectHTTPStatusError) as error:
        raise _failure("publish", "events", error) from None
