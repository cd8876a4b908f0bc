"""A flow that does nothing but walk and wait, and misbehaves on order.

Its whole state is its subject's facts: `Due` says how soon it is due, `Decided` is what it waits for, `End`
ends it. An `Order` is obeyed by the first process that meets it, once: `die`, `decide` or `cancel` at a
kill point (`at`: a function of the code under test), `hold` until there is a fact `LetGo`, or `fail`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any
from uuid import uuid4

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from integrations.ledger import NewEvent
from tasks.context import ledger
from tasks.walk import Wait, Walk, walks


class Toy(Walk):
    """What the facts say."""

    def read(self) -> None:
        self.facts = ledger().events(self.subject)

    @property
    def ended(self) -> bool:
        return "End" in [fact.kind for fact in self.facts]

    @property
    def decided(self) -> int:
        return [fact.kind for fact in self.facts].count("Decided")

    def settle(self) -> None:
        note(self.subject, "ended", self.decided)


_walk: ContextVar[str] = ContextVar("walk")


def note(subject: str, what: str, decided: int = 0) -> None:
    """Put on record that this process began or ended walking, and how many decisions it saw."""
    data = {
        "what": what,
        "run": str(flow_run.id),
        "pid": os.getpid(),
        "walk": _walk.get(),
        "own": os.environ.get("TOY_OWN", ""),
        "decided": decided,
    }
    walked = NewEvent("Walked", f"walked:{uuid4()}", data)
    ledger().append(f"walked:{subject}", [walked], now=datetime.now(UTC))


@task(task_run_name="did {number}")
def did(number: int) -> int:
    """Work, of a kind."""
    return number


def work(walk: Toy) -> None:
    """One task run per decision, each once."""
    done = [fact.data["number"] for fact in walk.facts if fact.kind == "Did"]
    for number in range(1, walk.decided + 1):
        if number not in done:
            did(number)
            fact = NewEvent("Did", f"{walk.subject}:did:{number}", {"number": number})
            ledger().append(walk.subject, [fact], now=walk.now, expected=walk.revision)
            walk.reload()


def wait(walk: Toy) -> Wait:
    """Wait for QA."""
    due = [fact.data["s"] for fact in walk.facts if fact.kind == "Due"][-1:] or [3000]
    seconds = float(str(due[0])) if walk.decided == 0 else 3000
    return Wait("Awaiting QA", walk.now + timedelta(seconds=seconds), f"{walk.decided} decided")


@flow(name="toy", flow_run_name="{subject}")
def toy(subject: str) -> State[Any]:
    """Walk, wait, walk on."""
    begun = False
    _walk.set(uuid4().hex)
    for walk in walks(subject, Toy):
        if not begun:
            begun = True
            note(subject, "begun", walk.decided)
        obey(walk)
        walk.step(work)
        walk.step(wait)
    return Completed(name="Closed")


def obey(walk: Toy) -> None:
    """Do what is ordered, unless it was done before."""
    for order in [fact for fact in walk.facts if fact.kind == "Order"]:
        taken = NewEvent("Taken", f"{order.key}:taken", {})
        if not ledger().append(f"orders:{walk.subject}", [taken], now=walk.now).inserted:
            continue
        do, at = str(order.data["do"]), str(order.data.get("at", ""))
        if do == "hold":
            while "LetGo" not in [fact.kind for fact in ledger().events(walk.subject)]:
                threading.Event().wait(0.1)
            walk.reload()
        elif do == "fail":
            raise RuntimeError("as ordered")
        else:
            sys.setprofile(at_point(walk.subject, do, at))


def at_point(subject: str, do: str, at: str) -> Any:
    """Watch this thread's calls, and act as the function `at` of tasks/ or the ledger is called."""

    def watch(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        ours = "/tasks/" in code.co_filename or "/ledger/" in code.co_filename
        if event != "call" or code.co_name != at or not ours:
            return
        sys.setprofile(None)
        if do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        decision = NewEvent("Decided", f"{subject}:decided:at:{at}", {})
        ledger().append(subject, [decision], now=datetime.now(UTC), wake=True)

    return watch
