"""The shop that the sandbox's people work on: its repository's first content, and what runs of it.

`template/` is a project of its own, in nothing but Python's standard library, with its own tests, its
`.gitlab-ci.yml` and its deploy scripts. `changes` holds what the scenario's people do to it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from pathlib import Path

__all__ = ["free_ports", "stop_all", "template_dir", "variables"]

_GONE_WITHIN_S = 5.0


def template_dir() -> Path:
    """The folder that becomes the repository's first commit, 1.3.0."""
    return Path(__file__).parent / "template"


def variables(
    home: Path, staging_port: int, production_port: int, *, dev_port: int = 0, test_port: int = 0
) -> dict[str, str]:
    """The project's CI/CD variables; deployed releases, databases, logs and pidfiles are kept under `home`.

    dev and test can be deployed to where they are given a port.
    """
    ports = {"STAGING": staging_port, "PRODUCTION": production_port, "DEV": dev_port, "TEST": test_port}
    given = {"SHOP_HOME": str(home.resolve())}
    for name, port in ports.items():
        if port:
            given |= {f"SHOP_{name}_PORT": str(port), f"SHOP_{name}_URL": f"http://127.0.0.1:{port}"}
    return given


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on now, each another one."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def running(home: Path) -> list[int]:
    """The ids of the shop's processes that were deployed under `home` and still run."""
    releases = f"{home.resolve()}/".encode()
    found: list[int] = []
    for pidfile in home.glob("*/*.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(pidfile.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if releases in command and b"serve.py" in command:
                found.append(pid)
    return found


def stop_all(home: Path) -> None:
    """Stop every shop that was deployed under `home`; returns when they are gone. A repeat does nothing."""
    for pid in running(home):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    signal.pidfd_send_signal(handle, number)
                    if select.select([handle], [], [], _GONE_WITHIN_S)[0]:
                        break
            finally:
                os.close(handle)
    for pidfile in home.glob("*/*.pid"):
        pidfile.unlink(missing_ok=True)
