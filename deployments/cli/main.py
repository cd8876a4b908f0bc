"""`conveyor`: every command in one place, and how a command ends.

Exit codes: 0 ok, 1 a check failed, 2 usage, 3 held (a decision was refused), 4 something outside cannot
be reached.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Parameter

from deployments.cli import (
    audit,
    control,
    environments,
    feedback,
    gates,
    pending,
    people,
    plan,
    planning,
    policy,
    release,
    removing,
    rolling_back,
    running,
    valuing,
    watching,
)
from deployments.cli.say import Exit, Stop, note
from integrations.errors import IntegrationError, NotFound, Transient

commands = App(
    name="conveyor",
    help="A change's whole life on Jira, GitLab and Slack, run by Prefect.",
    help_epilogue="Exit codes: 0 ok, 1 a check failed, 2 usage, 3 held, 4 something outside is out of reach.",
    version=lambda: version("conveyor"),
    default_parameter=Parameter(negative=()),
    result_action="return_value",
)
commands.command(running.demo)
commands.command(running.sandbox_app)
commands.command(running.up)
removing.add_to(release.app)
rolling_back.add_to(release.app)
commands.command(release.app)
commands.command(pending.pending)
valuing.add_to(planning.requests_app)
commands.command(planning.requests_app)
commands.command(planning.review_app)
commands.command(plan.app)
commands.command(feedback.app)
commands.command(gates.app)
commands.command(environments.app)
commands.command(control.app)
commands.command(watching.app)
commands.command(running.reconcile)
commands.command(policy.app)
commands.command(people.app)
commands.command(audit.app)


def main(tokens: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # Prefect tells its makers of every import otherwise
    try:
        result = commands(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        return _end(Exit.USAGE, f"{_plain(str(error))}; see --help")
    except Stop as stop:
        return _end(stop.code, stop.message)
    except BrokenPipeError:
        # Whoever read us has enough; Python must not fail once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _end(Exit.USAGE, f"{error.strerror}: {error.filename}" if error.filename else str(error))
    except IntegrationError as error:
        return _end(_code(error), str(error))
    except ValueError as error:
        return _end(Exit.USAGE, _invalid(error))
    return result if isinstance(result, int) else Exit.OK


app = main
"""The name that the console script asks for."""


def _code(error: IntegrationError) -> Exit:
    if isinstance(error, Transient):
        return Exit.UNREACHABLE
    return Exit.USAGE if isinstance(error, NotFound) else Exit.FAILED


def _invalid(error: ValueError) -> str:
    """What is wrong with the environment or a value, in one line and without the value: it may be secret.

    Any other ValueError is a mistake of ours and goes on.
    """
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        raise error
    found = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return f"{error.title}: {'; '.join(found)}"


def _plain(text: str) -> str:
    return " ".join(text.split()).removesuffix(".")


def _end(code: Exit, message: str) -> int:
    if message:
        note(f"conveyor: {' '.join(message.split())}")
    return code


if __name__ == "__main__":
    sys.exit(main())
