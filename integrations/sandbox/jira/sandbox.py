"""The Jira that fits in a laptop."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from integrations.sandbox.faults import Faults
from integrations.sandbox.http import Server
from integrations.sandbox.jira import routes_desk, routes_issue, routes_links, routes_project
from integrations.sandbox.jira.app import Bursts, Endpoint
from integrations.sandbox.jira.backlog import Loaded, load
from integrations.sandbox.jira.hooks import Hooks, WebhookTarget
from integrations.sandbox.jira.pages import pages
from integrations.sandbox.jira.routes_search import Search
from integrations.sandbox.jira.state import State
from integrations.sandbox.jira.wire import Wire
from integrations.sandbox.people import SandboxPerson


class JiraSandbox:
    """Serves one Jira from construction until `stop`.

    `projects` maps keys to names; `desks` are the keys of those that are service desks. `flavor` decides over
    login, search and retries of webhooks as the two products do. `retry_pause_scale` shortens Cloud's minutes
    between the tries of a webhook (0.001: 0.3 s to 0.9 s). `bursts=False` switches the limits per issue off.
    `index_lag_s` is how long a new issue stays hidden from search. With a `home`, the state is kept in
    `home/jira.state` at `stop` and found there by the next one.

    `/` is a board and `/browse/KEY` an issue, for people; `/_sandbox/...` is described in `faults`.
    """

    def __init__(
        self,
        home: Path | None,
        people: Sequence[SandboxPerson],
        projects: Mapping[str, str],
        *,
        desks: Collection[str] = (),
        flavor: Literal["cloud", "server"] = "cloud",
        port: int = 0,
        webhooks: Sequence[WebhookTarget] = (),
        retry_pause_scale: float = 0.001,
        bursts: bool = True,
        index_lag_s: float = 0.0,
    ) -> None:
        self._file = home / "jira.state" if home else None
        self.state = State(people, projects, cloud=flavor == "cloud", desks=desks)
        if self._file and self._file.exists():
            self.state.restore(pickle.loads(self._file.read_bytes()))
        app = Starlette(exception_handlers={404: _unknown, 405: _unknown})
        self.faults = Faults(app)
        self._server = Server(self.faults, port)
        self.url = self._server.url
        wire = Wire(self.state, self.url)
        self.hooks = Hooks(self.state, wire, webhooks, pause_scale=retry_pause_scale)
        endpoint = Endpoint(self.state, wire, self.hooks, Bursts() if bursts else None)
        app.router.routes += [
            *endpoint.routes("/rest/api/2", routes_project.OPEN, anonymous=True),
            *endpoint.routes("/rest/api/2", routes_project.TABLE),
            *endpoint.routes("/rest/api/2", Search(index_lag_s).tables()),
            *endpoint.routes("/rest/api/2", routes_links.TABLE),
            *endpoint.routes("/rest/api/2", routes_issue.TABLE),
            *endpoint.routes("/rest/agile/1.0", routes_links.AGILE),
            *endpoint.routes("/rest/servicedeskapi", routes_desk.TABLE),
            *endpoint.routes("/rest/webhooks/1.0", routes_links.WEBHOOKS),
            *pages(self.state),
        ]

    def load_backlog(self, source: Path | Iterable[str], project_key: str) -> Loaded:
        """Add reports from JSON lines (a `.jsonl` or `.jsonl.gz` file, or the lines); fires no webhook.

        A report needs `title` and `created`; `id`, `description`, `type`, `priority`, `components`, `labels`,
        `status` and `resolution` are taken if there. An id that looks like an issue key stays the key, and
        its project is made; any other report gets the next key of `project_key`. Open and Reopened become
        To Do; In Progress, In Review and In QE Test their likes; every other status Closed.

        Raises:
            ValueError: a line cannot be an issue; what came before it is loaded.
        """
        return load(self.state, source, project_key)

    def stop(self) -> None:
        """Stop serving and telling; with a `home`, keep the state there."""
        self._server.stop()
        self.hooks.courier.stop()
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_bytes(pickle.dumps(self.state.kept()))


def _unknown(request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 404)
    message = f"This Jira does not know {request.method} {request.url.path}."
    return JSONResponse({"errorMessages": [message], "errors": {}}, status)
