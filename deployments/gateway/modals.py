"""The modals that the gateway opens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.slack import blocks as b

REASON = "reason"


def return_for_rework(metadata: str) -> dict[str, Any]:
    """Asks why something is returned; `metadata` comes back with the answer."""
    return b.modal(
        "Return for rework",
        [b.input_block(REASON, "What has to be mended?", b.text_input("text", multiline=True, min_length=1))],
        callback_id="signoff.return",
        submit="Return",
        private_metadata=metadata,
    )


def reason_in(view: Mapping[str, Any]) -> str:
    """What the person wrote."""
    return str(view.get("state", {}).get("values", {}).get(REASON, {}).get("text", {}).get("value") or "")
