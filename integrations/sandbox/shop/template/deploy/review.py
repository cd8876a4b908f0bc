"""The environment of a branch, on a port of its own: `review.py deploy BRANCH`, `review.py remove BRANCH`.

Deployed again it keeps its port and its database. Removed, nothing of it is left.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

import deploy

#: Read by GitLab as the environment's address.
ADDRESS = Path("review.env")


def main(action: str, branch: str) -> int:
    environment = f"review/{branch}"
    home = deploy.home_of(environment)
    if action == "remove":
        for pidfile in ("starting.pid", "retired.pid", "shop.pid"):
            deploy.stop(home / pidfile)
        shutil.rmtree(home, ignore_errors=True)
        print(f"{environment} is removed")
        return 0
    port = own_port(home / "port")
    ADDRESS.write_text(f"REVIEW_URL=http://127.0.0.1:{port}\n")
    return deploy.main(environment, port)


def own_port(kept: Path) -> int:
    """The port that the environment has, or a free one from now on."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            kept.write_text(str(free.getsockname()[1]))
    return int(kept.read_text())


if __name__ == "__main__":
    if sys.argv[1] not in ("deploy", "remove"):
        sys.exit(f"neither deploy nor remove: {sys.argv[1]}")
    sys.exit(main(sys.argv[1], sys.argv[2]))
