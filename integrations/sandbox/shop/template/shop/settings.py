"""Settings from the environment. In production nothing is left to a default."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class MissingSetting(ValueError):
    """Production was started without a setting that it needs."""


def environment() -> str:
    """dev, test, review/BRANCH, staging, production, or local where nobody said."""
    return os.environ.get("SHOP_ENV", "local")


def setting(name: str, default: str) -> str:
    """The value of `SHOP_{name}`; `default` only outside production."""
    value = os.environ.get(f"SHOP_{name}")
    if value is not None:
        return value
    if environment() == "production":
        raise MissingSetting(f"SHOP_{name} is not set")
    return default


def database() -> Path:
    """The file of the database; beside the code only where nobody deployed it."""
    given = os.environ.get("SHOP_DATABASE")
    if given is None and environment() != "local":
        raise MissingSetting("SHOP_DATABASE is not set")
    return Path(given) if given else ROOT / "shop.db"


def sha() -> str:
    """The commit this code was packaged from."""
    revision = ROOT / "REVISION"
    return revision.read_text().strip() if revision.exists() else "unpackaged"


def version() -> str:
    """The tag it was deployed from, or the last version number."""
    return os.environ.get("SHOP_VERSION") or (ROOT / "VERSION").read_text().strip()
