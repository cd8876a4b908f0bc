"""A process beside the gateway, where a walk or a command does its work: to start one takes 2 s of CPU.

`python -m tests.gateway.aside` takes one piece of Python after the other, a line of JSON each, and answers
with a line each: how it ended, and what it printed. Its settings are its environment's, as any process's.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

from deployments.stack import ROOT


@dataclass(frozen=True)
class Ended:
    """The exit code of a piece, and what it printed."""

    code: int
    out: str
    err: str


class Aside:
    """Starts with the first piece, and lives until `stop`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[str] | None = None

    def run(self, code: str, *arguments: str) -> Ended:
        """Run it with `sys.argv[1:]` as given."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.gateway.aside"],
                cwd=ROOT,
                env=dict(self._env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        try:
            answer = self._answer(self._process, json.dumps([code, *arguments]))
        except BaseException:  # a test that is cut short leaves no answer to the next one
            self._process.kill()
            self.stop()
            raise
        return Ended(**json.loads(answer))

    @staticmethod
    def _answer(process: subprocess.Popen[str], line: str) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"it ended with {process.wait()}"
        return answer

    def check(self, code: str, *arguments: str) -> str:
        """What a piece printed that has to end well."""
        ended = self.run(code, *arguments)
        assert ended.code == 0, ended.err
        return ended.out

    def stop(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None


def _done(code: str, arguments: list[str]) -> dict[str, Any]:
    out, err, ended = io.StringIO(), io.StringIO(), 0
    sys.argv = ["-c", *arguments]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            exec(code, {"__name__": "__main__"})
        except SystemExit as end:
            ended = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - whoever asked is told
            traceback.print_exc()
            ended = 1
    return {"code": ended, "out": out.getvalue(), "err": err.getvalue()}


def main() -> None:
    """Until the input ends."""
    with suppress(BrokenPipeError):
        for line in sys.stdin:
            code, *arguments = json.loads(line)
            sys.stdout.write(json.dumps(_done(code, arguments)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
