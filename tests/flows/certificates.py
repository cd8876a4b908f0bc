"""One certificate where Prefect's client would load the world's: 50 ms of CPU for each task a test calls."""

from __future__ import annotations

from pathlib import Path

import certifi

_END = "-----END CERTIFICATE-----\n"


def one(folder: Path) -> str:
    """The path of a file with one certificate, for `PREFECT_API_SSL_CERT_FILE`; nothing here speaks TLS."""
    file = folder / "one.pem"
    file.write_text(Path(certifi.where()).read_text(encoding="utf-8").partition(_END)[0] + _END)
    return str(file)
