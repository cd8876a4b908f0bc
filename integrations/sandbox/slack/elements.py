"""The elements of blocks that people act on: finding them, and the values they then have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from integrations.sandbox.slack.state import Json


def elements(block: Json) -> Iterator[Json]:
    """What can be pressed, chosen or filled in, in this block."""
    if block["type"] == "actions":
        yield from block["elements"]
    elif block["type"] == "input":
        yield block["element"]
    elif "accessory" in block:
        yield block["accessory"]


def find_element(
    blocks: list[Json], action_id: str, block_id: str = "", value: object = None
) -> tuple[Json, Json] | None:
    """(block, element) of this action_id; of this `block_id`, and for a button this `value`, if given."""
    for block in blocks:
        if block_id and block.get("block_id") != block_id:
            continue
        for element in elements(block):
            other = element["type"] == "button" and value is not None and element.get("value") != value
            if element.get("action_id") == action_id and not other:
                return block, element
    return None


def state_of(element: Json, value: object) -> Json:
    """What Slack puts into `state.values` (and `actions`) for an element with this value.

    `value` is text, an option's value, or a list of those. Raises ValueError: no such option.
    """
    kind = element["type"]
    if kind in ("static_select", "radio_buttons", "overflow"):
        return {"type": kind, "selected_option": _option(element, value) if value else None}
    if kind in ("multi_static_select", "checkboxes"):
        chosen = cast("list[object]", value if isinstance(value, list) else [value] if value else [])
        return {"type": kind, "selected_options": [_option(element, one) for one in chosen]}
    names = {
        "users_select": "selected_user",
        "channels_select": "selected_channel",
        "conversations_select": "selected_conversation",
        "datepicker": "selected_date",
        "timepicker": "selected_time",
        "multi_users_select": "selected_users",
    }
    return {"type": kind, names.get(kind, "value"): value or None}


def initial_value(element: Json) -> object:
    """What the element shows before anybody has touched it."""
    options = element.get("initial_options")
    if options:
        return [option["value"] for option in options]
    option = element.get("initial_option")
    if option:
        return option["value"]
    names = ("initial_value", "initial_user", "initial_date", "initial_time", "initial_channel")
    return next((element[name] for name in names if element.get(name)), "")


def _option(element: Json, value: object) -> Json:
    for group in [*element.get("option_groups", []), element]:
        for option in group.get("options", []):
            if option.get("value") == value:
                return option
    raise ValueError(f"{element.get('action_id')} has no option {value!r}")
