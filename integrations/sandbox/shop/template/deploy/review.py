"""Serve this checkout on a free port, and end it: `review.py start review-cart`, `review.py stop review-cart`.

Nothing is packaged. The address is left in review.env as REVIEW_URL. A second start replaces the first.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

import deploy


def start(home: Path) -> int:
    sha = os.environ["CI_COMMIT_SHA"]
    release = home / "releases" / sha
    deploy.stop(home / "shop.pid")
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(".", release, ignore=shutil.ignore_patterns(".git"))
    (release / "REVISION").write_text(f"{sha}\n")
    port = free_port()
    process = deploy.started(release, home, "review", port)
    (home / "shop.pid").write_text(str(process.pid))
    if not deploy.healthy(process, port, sha):
        print((home / "shop.log").read_text())
        stop(home)
        return 1
    Path("review.env").write_text(f"REVIEW_URL=http://127.0.0.1:{port}\n")
    print(f"{home.name} runs {sha} on port {port}")
    return 0


def stop(home: Path) -> int:
    deploy.stop(home / "shop.pid")
    shutil.rmtree(home, ignore_errors=True)
    print(f"{home.name} is gone")
    return 0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    what = {"start": start, "stop": stop}[sys.argv[1]]
    sys.exit(what(Path(os.environ["SHOP_HOME"]) / sys.argv[2]))
