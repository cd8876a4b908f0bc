"""Tasks that a test calls run in its own process: of Prefect they only ask which version it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import prefect
import pytest
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
    temporary_settings,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from integrations.sandbox.http import Server
from tests.flows import certificates


async def _version(_: Request) -> JSONResponse:
    return JSONResponse(prefect.__version__)


@pytest.fixture(scope="session", autouse=True)
def without_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    server = Server(Starlette(routes=[Route("/{path:path}", _version)]))
    settings: dict[Any, Any] = {
        PREFECT_API_URL: f"{server.url}/api",
        PREFECT_API_SSL_CERT_FILE: certificates.one(tmp_path_factory.mktemp("certificates")),
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
    }
    with temporary_settings(settings):
        yield
    server.stop()
