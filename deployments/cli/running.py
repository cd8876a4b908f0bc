"""`conveyor demo`, `sandbox up`, `up` and `reconcile`: what starts or mends something."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from deployments.cli import say
from deployments.cli.say import Exit, Json

sandbox_app = App(
    name="sandbox", help="Jira, GitLab and Slack on this machine, with a small shop to release."
)

Flavor = Annotated[Literal["cloud", "server"], Parameter(help="Which Jira: Cloud, or Server/Data Center.")]


def demo(
    *,
    json: Annotated[Path | None, Parameter(help="Write the checks and figures to this file.")] = None,
    stay: Annotated[bool, Parameter(help="Leave everything up to look at.")] = False,
    backlog: Annotated[Path | None, Parameter(help="Load these issues into the sandbox's Jira.")] = None,
    jira: Flavor = "cloud",
    home: Annotated[Path | None, Parameter(help="Where to keep its files.")] = None,
) -> int:
    """Play a whole release with people who act through Jira, GitLab and Slack; ends with 1 if a check fails.

    Example: `conveyor demo --stay --json demo.json`
    """
    from deployments.demo.run import Options, main

    return main(Options(json=json, stay=stay, backlog=backlog, home=home, jira=jira))


@sandbox_app.command(name="up")
def sandbox_up(
    *,
    jira: Flavor = "cloud",
    scale: Annotated[
        Literal["demo", "real"], Parameter(help="Waiting periods of seconds, or of days as a team has them.")
    ] = "demo",
    home: Path = Path("var/sandbox"),
    gateway_url: str = "http://127.0.0.1:7100",
    first_port: Annotated[
        int, Parameter(help="Jira, GitLab, Slack, staging and production from this port on; 0: free ones.")
    ] = 7101,
    json: Json = False,
) -> None:
    """Start the sandbox vendors and the shop, and keep them up until Ctrl-C.

    What `conveyor up` needs to work with them is written to HOME/env.

    Example: `conveyor sandbox up --jira server`

    Parameters
    ----------
    home:
        Where repositories, builds and the shop's releases are kept; emptied at the start.
    gateway_url:
        Where the vendors send what happens.
    """
    stopping = _stopping()
    _empty(home)
    with say.busy("Starting the sandbox"):
        from deployments.sandbox import Ports, SandboxVendors

        ports = Ports(*range(first_port, first_port + 5)) if first_port else Ports()
        policy = home / "conveyor.yaml"
        try:
            vendors = SandboxVendors(
                home, jira=jira, ports=ports, gateway_url=gateway_url, policy_out=policy, scale=scale
            )
        except OSError as error:
            raise say.Stop(Exit.UNREACHABLE, f"a port is taken: {error}; try --first-port 0") from None
    try:
        env_file = _write_env(home.absolute() / "env", vendors.environment())
        with say.busy("Production gets its first version"):
            vendors.wait_production()
        urls = {
            "jira": vendors.jira.url,
            "gitlab": vendors.gitlab.url,
            "slack": vendors.slack.url,
            "staging": vendors.staging_url,
            "production": vendors.production_url,
        }
        people = {p.id: {"name": p.name, "token": p.token} for p in vendors.people.values()}
        if json:
            say.dump(
                {"urls": urls, "people": people, "env": str(env_file), "policy": str(vendors.policy_path)}
            )
        else:
            say.table(("WHAT", "WHERE"), urls.items())
            say.table(("PERSON", "NAME", "TOKEN"), ((i, p["name"], p["token"]) for i, p in people.items()))
            say.out(f"In another terminal:  set -a; . {shlex.quote(str(env_file))}; set +a; conveyor up")
            say.out("Ready. Ctrl-C stops everything.")
        _flush()
        stopping.wait()
    finally:
        vendors.stop()


def up(
    *,
    prefect_port: Annotated[int, Parameter(help="Prefect's server and UI; 0: a free port.")] = 4200,
    gateway_port: Annotated[
        int | None, Parameter(help="The gateway; CONVEYOR_GATEWAY_PORT if left out, 0: a free port.")
    ] = None,
    json: Json = False,
) -> None:
    """Start Prefect's server, a worker and the gateway, and keep them up until Ctrl-C.

    Example: `conveyor up --prefect-port 4200`
    """
    from dotenv import dotenv_values

    from deployments.cli.policy import problems
    from deployments.stack import Stack, free_port
    from integrations.settings import settings

    stopping = _stopping()
    known = settings()
    policy = known.policy.absolute()
    if found := problems(policy):
        first = f"{found[0]['path']}: {found[0]['problem']}"
        raise say.Stop(
            Exit.FAILED, f"{policy} has {len(found)} problems, first {first}; see `conveyor policy check`"
        )
    own = {
        key: value for key, value in dotenv_values(".env").items() if key.startswith("CONVEYOR_") and value
    }
    paths = {"CONVEYOR_HOME": str(known.home.absolute()), "CONVEYOR_POLICY": str(policy)}
    gateway = known.gateway_port if gateway_port is None else gateway_port
    stack = Stack(
        known.home.absolute(),
        {**own, **{k: v for k, v in os.environ.items() if k.startswith("CONVEYOR_")}, **paths},
        prefect_port or free_port(),
        gateway or free_port(),
    )
    try:
        with say.busy("Starting Prefect, a worker and the gateway"):
            stack.start()
        urls = {"prefect": stack.ui_url, "gateway": stack.gateway_url, "logs": str(stack.home / "logs")}
        if json:
            say.dump({**urls, "PREFECT_API_URL": stack.api_url})
        else:
            say.table(("WHAT", "WHERE"), urls.items())
            say.out(f"For reconcile and prefect itself:  export PREFECT_API_URL={stack.api_url}")
            say.out("Ready. Ctrl-C stops everything.")
        _flush()
        _keep(stack.ended, stopping)
    finally:
        stack.stop()


def reconcile(
    *,
    dry_run: Annotated[bool, Parameter(help="Only say what differs.")] = False,
    json: Json = False,
) -> None:
    """Compare the ledger with Prefect, Jira and the messages, and mend what may be mended.

    Example: `conveyor reconcile --dry-run`; it needs PREFECT_API_URL.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise say.Stop(Exit.UNREACHABLE, "set PREFECT_API_URL; `conveyor up` prints it")
    with say.busy("Comparing"):
        from datetime import UTC, datetime

        from tasks import differences, reconciling

        found = differences.find()
        changed = [] if dry_run else differences.mend(found, datetime.now(UTC))
        unsettled = reconciling.unknown_effects()
    if json:
        say.dump(
            {
                "differences": [vars(each) for each in found],
                "roles": changed,
                "unsettled": unsettled,
                "mended": not dry_run,
            }
        )
        return
    words = {
        "wake": "woken",
        "refresh": "refreshed",
        "post": "told in Slack",
        "announce": "told in Slack, once",
        "tell": "for a person to look at",
    }
    for each in found:
        done = words[each.mend] if each.mend == "tell" or not dry_run else f"would be {words[each.mend]}"
        say.out(f"{each.text}: {done}")
    for each in changed:
        say.out(each)
    for each in unsettled:
        say.out(f"{each}: the next walk looks it up")
    if not found and not changed and not unsettled:
        say.out("nothing differs")


def _stopping() -> threading.Event:
    """Set by Ctrl-C and SIGTERM from now on."""
    event = threading.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: event.set())
    return event


def _keep(ended: Callable[[], str], stopping: threading.Event) -> None:
    """Return when somebody stops us.

    Raises:
        Stop: one of the processes has ended by itself.
    """
    while not stopping.wait(1):
        if name := ended():
            raise say.Stop(Exit.UNREACHABLE, f"the {name} has ended; its log says why")


def _empty(home: Path) -> None:
    """A fresh folder: the vendors begin anew, so an older ledger of theirs would lie.

    Raises:
        Stop: there are files in it that no sandbox wrote.
    """
    import shutil

    mark = home / ".conveyor-sandbox"
    if home.exists() and not mark.exists() and any(home.iterdir()):
        raise say.Stop(Exit.USAGE, f"{home} holds other files; name another --home")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    mark.write_text("Made by `conveyor sandbox up`, which empties this folder when it starts.\n")


def _write_env(path: Path, values: Mapping[str, str]) -> Path:
    """The variables as a shell reads them; for the owner only, as tokens are among them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items()))
    return path


def _flush() -> None:
    import sys

    sys.stdout.flush()
