"""The environment of a merge request: `review.py start SLUG`, `review.py stop SLUG`, the branch's slug.

It runs this checkout, which nobody has packaged, on a port of its own, which it leaves in review.env as
REVIEW_URL. Started again it keeps port and database; stopped, nothing of it is left.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

import deploy


def start(environment: str) -> int:
    home, sha = deploy.home_of(environment), os.environ["CI_COMMIT_SHA"]
    release = home / "releases" / sha
    if not release.exists():
        shutil.copytree(".", release, ignore=shutil.ignore_patterns(".git"))
        (release / "REVISION").write_text(f"{sha}\n")
    port = own_port(home / "port")
    Path("review.env").write_text(f"REVIEW_URL=http://127.0.0.1:{port}\n")
    return deploy.main(environment, port)


def stop(environment: str) -> int:
    home = deploy.home_of(environment)
    for pidfile in ("starting.pid", "retired.pid", "shop.pid"):
        deploy.stop(home / pidfile)
    shutil.rmtree(home, ignore_errors=True)
    print(f"{environment} is gone")
    return 0


def own_port(kept: Path) -> int:
    """The port that the environment has, or a free one from now on."""
    if not kept.exists():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            kept.write_text(str(free.getsockname()[1]))
    return int(kept.read_text())


if __name__ == "__main__":
    what = {"start": start, "stop": stop}[sys.argv[1]]
    sys.exit(what(f"review/{sys.argv[2]}"))
