"""Processes of jobs: each in a session of its own, killed as a group, found again by a mark.

What calls `setsid` leaves the group and outlives its job, as a deployed shop has to; the mark in its
environment is how `kill_marked` still finds it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_GRACE_S = 1.0


class JobProcess:
    """One command of a job from start to end; `kill` may come from any thread, at any time."""

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str], output: Path) -> None:
        self._lock = threading.Lock()
        self._reaped = False
        self._timers: list[threading.Timer] = []
        self.killed_for: str | None = None
        with output.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, reason: str) -> None:
        """Ask the whole group to end, and end it a second later; the first reason is kept."""
        with self._lock:
            if self._reaped:
                return
            self.killed_for = self.killed_for or reason
            self._signal(signal.SIGTERM)
        self._later(_GRACE_S, self._end)

    def wait(self, timeout_s: float) -> int:
        """The exit code; after `timeout_s` the group is killed with the reason `timeout`.

        What the command left running in its group is killed too.
        """
        self._later(timeout_s, self.kill, "timeout")
        # Not reaped yet, so that the group's id cannot belong to somebody else when it is killed.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._signal(signal.SIGKILL)
            code = self._process.wait()
            self._reaped = True
            for timer in self._timers:
                timer.cancel()
        return code

    def _end(self) -> None:
        with self._lock:
            if not self._reaped:
                self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _later(self, delay_s: float, action: object, *args: str) -> None:
        timer = threading.Timer(delay_s, action, args)  # type: ignore[arg-type]
        timer.daemon = True
        with self._lock:
            if self._reaped:
                return
            self._timers.append(timer)
            timer.start()


def marked(name: str, value: str) -> list[int]:
    """The ids of all processes whose environment has `name=value`."""
    mark = f"{name}={value}".encode()
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def kill_marked(name: str, value: str) -> None:
    """End every process with this mark, and what they start meanwhile; returns when none is left."""
    while pids := [pid for pid in marked(name, value) if _alive(pid)]:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                try:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    _gone(handle)
                finally:
                    os.close(handle)


def _gone(handle: int) -> None:
    import select

    select.select([handle], [], [], 5.0)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
