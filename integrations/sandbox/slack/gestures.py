"""Pressing and filling in: which element is meant, what it then holds, and what the person is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.slack.elements import find_element, initial_value, state_of
from integrations.sandbox.slack.outbound import Reply
from integrations.sandbox.slack.state import Json, OpenView

Body = Mapping[str, Any]


class ActFault(Exception):
    """The person cannot do this: 404 what they mean is not there, 409 not any more, 422 incomplete."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.more = more


def pressed(blocks: list[Json], inputs: dict[str, dict[str, Json]], body: Body) -> Json:
    """The `actions` entry for what was pressed; a menu's choice is remembered in `inputs`."""
    action_id, value = str(body.get("action_id") or ""), body.get("value")
    found = find_element(blocks, action_id, str(body.get("block_id") or ""), value)
    if found is None:
        raise ActFault(409, "there is no such button any more")
    block, element = found
    action: Json = {"action_id": action_id, "block_id": block["block_id"], "type": element["type"]}
    if element["type"] == "button":
        return action | {key: element[key] for key in ("text", "value", "style") if key in element}
    try:
        state = state_of(element, value)
    except ValueError as error:
        raise ActFault(409, str(error)) from None
    inputs.setdefault(block["block_id"], {})[action_id] = state
    return action | state


def fill(opened: OpenView, values: Mapping[str, Any]) -> None:
    """Put `values` into the modal's inputs; what Slack checks by itself is checked here."""
    errors: dict[str, str] = {}
    blocks = [block for block in opened.view["blocks"] if block["type"] == "input"]
    unknown = set(values) - {block["block_id"] for block in blocks}
    if unknown:
        raise ActFault(409, f"the view has no input {sorted(unknown)}")
    for block in blocks:
        element = block["element"]
        value = values.get(block["block_id"], initial_value(element))
        if not value and not block.get("optional"):
            errors[block["block_id"]] = "Please complete this required field."
        elif isinstance(value, str) and len(value) > int(element.get("max_length") or 3000):
            errors[block["block_id"]] = "This is too long."
        elif value and isinstance(value, str) and len(value) < int(element.get("min_length") or 0):
            errors[block["block_id"]] = "This is too short."
        try:
            opened.inputs[block["block_id"]] = {element["action_id"]: state_of(element, value)}
        except ValueError as error:
            raise ActFault(409, str(error)) from None
    opened.errors = errors
    if errors:
        raise ActFault(422, "incomplete", errors=errors)


def outcome(reply: Reply, error_shown: str) -> Json:
    """What the person learns: `error_shown` is what Slack would show them, "" if the app answered."""
    unheard = not reply.ok and reply.failure != "no_url"
    return {
        "status": reply.status,
        "ms": reply.ms,
        "body": reply.body,
        "error_shown": error_shown if unheard else "",
    }
