"""Serve the gateway: `python -m deployments.gateway`."""

from __future__ import annotations

import logging

import uvicorn

from deployments.gateway.app import application
from integrations.settings import settings


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "httpcore", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Bolt logs signatures and bodies of what it refuses; nothing of a request may reach a log.
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    reached = settings()
    uvicorn.run(
        application(),
        host=reached.gateway_host,
        port=reached.gateway_port,
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
