"""Start the package of this commit in an environment, and stop what ran there: `deploy.py staging 8001`.

The new process listens on the same port beside the old one; when it has answered for itself, the old one
is stopped. If it never answers, it is stopped, the old one goes on, and this exits with 1.

The database is migrated before the new process starts, so the old one has to get along with what is
added. What the new release does not know is taken back once the old one is gone. Both are tried on a
copy first: a migration that fails, or has no way back, changes nothing.
Nothing is built here. `$SHOP_HOME/ENVIRONMENT/` holds `releases/SHA/`, `shop.db`, `shop.log`, `shop.pid`.
"""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import registry
from seed import seed

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from shop import schema

HEALTHY_WITHIN_S = float(os.environ.get("SHOP_HEALTHY_WITHIN_S", "15"))
GONE_WITHIN_S = 5.0
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def main(environment: str, port: int) -> int:
    home = home_of(environment)
    sha = os.environ["CI_COMMIT_SHA"]
    release = unpacked(home / "releases" / sha)
    if release is None:
        print(f"there is no package of {sha}: run the step verify for it first")
        return 1
    for leftover in ("starting.pid", "retired.pid"):
        stop(home / leftover)
    with closing(schema.connect(home / "shop.db")) as database:
        try:
            new, left = migrated(database, release, home / "releases")
        except (sqlite3.Error, schema.Irreversible) as error:
            print(f"the database stays as it is, and what ran before goes on: {error}")
            return 1
        seed(database, environment)
        if not swapped(release, home, environment, port, sha):
            unmigrate(database, new)
            return 1
        unmigrate(database, left)
        schema.carried(database, sha, release / "shop" / "migrations")
    print(f"{environment} runs {sha} on port {port}")
    return 0


def home_of(environment: str) -> Path:
    """Where the environment has its releases and its data."""
    return Path(os.environ["SHOP_HOME"]) / environment.replace("/", "-")


def migrated(database: sqlite3.Connection, release: Path, releases: Path) -> tuple[dict, dict]:
    """Bring the database forward; the scripts that take that back, and those for what the release left out."""
    folder = release / "shop" / "migrations"
    left = schema.way_back(database, folder, releases)
    schema.rehearse(database, folder, left)
    new = schema.forward(database, release.name, folder)
    if new:
        print(f"migrated: {', '.join(new)}")
    return {one: schema.down(folder, one) for one in reversed(new)}, left


def unmigrate(database: sqlite3.Connection, scripts: dict[str, str | None]) -> None:
    """Take back what has a script; the rest stays, and the old release gets along with it."""
    schema.back(database, {one: script for one, script in scripts.items() if script is not None})
    for migration, script in scripts.items():
        print(f"{'stays' if script is None else 'taken back'}: {migration}")


def swapped(release: Path, home: Path, environment: str, port: int, sha: str) -> bool:
    """Start the release and stop what ran before, or the other way round if it does not become healthy."""
    process = started(release, home, environment, port)
    (home / "starting.pid").write_text(str(process.pid))
    if not healthy(process, port, sha):
        print(f"{sha} does not become healthy; what ran before goes on")
        print("".join((home / "shop.log").read_text().splitlines(keepends=True)[-20:]))
        stop(home / "starting.pid")
        return False
    if (home / "shop.pid").exists():
        (home / "shop.pid").replace(home / "retired.pid")
    (home / "starting.pid").replace(home / "shop.pid")
    stop(home / "retired.pid")
    return True


def unpacked(release: Path) -> Path | None:
    """The release's folder, from the registry unless it is there; None if there is no package."""
    if release.exists():
        return release
    package = registry.download()
    if package is None:
        return None
    release.parent.mkdir(parents=True, exist_ok=True)
    partial = release.with_name(f"{release.name}.{os.getpid()}")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        archive.extractall(partial, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(
            partial)
    partial.rename(release)
    return release


def started(release: Path, home: Path, environment: str, port: int) -> subprocess.Popen:
    """The new process, in a session of its own so that it outlives this job, without the job's variables."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("CI_", "GITLAB_"))}
    env |= settings(release / "deploy" / f"{environment.split('/')[0]}.env")
    env |= {"SHOP_ENV": environment, "SHOP_VERSION": os.environ.get("CI_COMMIT_TAG", "")}
    env |= {"SHOP_DATABASE": str(home / "shop.db")}
    with (home / "shop.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-S", "-B", str(release / "serve.py"), "--port", str(port)],
            cwd=release, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )


def settings(path: Path) -> dict[str, str]:
    """`NAME=value` lines."""
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def healthy(process: subprocess.Popen, port: int, sha: str) -> bool:
    """Whether the new process answers for itself in time. The old one may answer meanwhile: ask again."""
    end = time.monotonic() + HEALTHY_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with _open(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                about = json.load(answer)
            if about["sha"] == sha and about["process"] == process.pid and about["status"] == "ok":
                return True
        except (OSError, ValueError, KeyError):
            pass
        time.sleep(0.02)
    return False


def stop(pidfile: Path) -> None:
    """End the process that the file names, if it is one of ours, and wait until it is gone."""
    try:
        pid = int(pidfile.read_text())
    except (OSError, ValueError):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not ours(pid, pidfile.parent):
            break
        os.kill(pid, number)
        end = time.monotonic() + GONE_WITHIN_S
        while ours(pid, pidfile.parent) and time.monotonic() < end:
            time.sleep(0.02)
    pidfile.unlink(missing_ok=True)


def ours(pid: int, home: Path) -> bool:
    """Whether that process runs, out of a release of this environment."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        return f"{home}/releases/".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
