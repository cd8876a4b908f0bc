"""Block Kit as Slack accepts it: known kinds, limits, unique block ids; anything else is refused.

Source: https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from integrations.sandbox.slack.state import Json, SlackFault

NextId = Callable[[str], str]

MESSAGE_KINDS = frozenset(
    ["header", "section", "context", "divider", "actions", "input", "image", "rich_text", "markdown"]
)
ELEMENT_KINDS = frozenset(
    [
        "button",
        "static_select",
        "multi_static_select",
        "users_select",
        "multi_users_select",
        "channels_select",
        "conversations_select",
        "plain_text_input",
        "radio_buttons",
        "checkboxes",
        "datepicker",
        "timepicker",
        "overflow",
        "image",
        "number_input",
    ]
)


def checked_message(blocks: object, next_id: NextId) -> list[Json]:
    """The blocks of a message, each with a block_id. Raises SlackFault: invalid_blocks."""
    return _checked(blocks, 50, "invalid_blocks", next_id)


def checked_view(view: object, next_id: NextId) -> Json:
    """A modal or a home tab, each block with a block_id. Raises SlackFault."""
    if isinstance(view, str):
        try:
            view = json.loads(view)
        except ValueError:
            raise SlackFault("invalid_arguments") from None
    if not isinstance(view, dict):
        raise SlackFault("invalid_arguments")
    given = cast("Json", view)
    kind = given.get("type")
    if kind not in ("modal", "home"):
        raise _view_fault("must be modal or home", "/type")
    if len(json.dumps(given).encode()) > 250_000:
        raise SlackFault("view_too_large")
    for name, limit in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if len(str(given.get(name) or "")) > limit:
            raise _view_fault(f"must be at most {limit} characters", f"/{name}")
    blocks = _checked(given.get("blocks"), 100, "invalid_arguments", next_id)
    if kind == "modal":
        _check_modal(given, blocks)
    return {**given, "blocks": blocks}


def _check_modal(view: Json, blocks: list[Json]) -> None:
    _plain(view.get("title"), 24, "/view/title")
    for name in ("submit", "close"):
        if view.get(name):
            _plain(view[name], 24, f"/view/{name}")
    if any(block["type"] == "input" for block in blocks) and not view.get("submit"):
        raise _view_fault("submit is required when an input block is used", "/submit")


def _checked(blocks: object, limit: int, code: str, next_id: NextId) -> list[Json]:
    if isinstance(blocks, str):
        try:
            blocks = json.loads(blocks)
        except ValueError:
            raise SlackFault("invalid_blocks_format") from None
    if not isinstance(blocks, list):
        raise SlackFault("invalid_blocks_format")
    given = cast("list[object]", blocks)
    if len(given) > limit:
        raise _fault(code, f"no more than {limit} items allowed", "/blocks")
    seen: set[str] = set()
    return [_block(block, f"/blocks/{at}", code, seen, next_id) for at, block in enumerate(given)]


def _block(block: object, where: str, code: str, seen: set[str], next_id: NextId) -> Json:
    if not isinstance(block, dict):
        raise _fault(code, "must be an object", where)
    given = dict(cast("Json", block))
    kind = given.get("type")
    if kind not in MESSAGE_KINDS:
        raise _fault(code, f"unsupported type: {kind}", f"{where}/type")
    block_id = str(given.get("block_id") or "") or next_id("b")
    if len(block_id) > 255:
        raise _fault(code, "must be at most 255 characters", f"{where}/block_id")
    if block_id in seen:
        raise _fault(code, f"`block_id` {block_id} already exists", f"{where}/block_id")
    seen.add(block_id)
    given["block_id"] = block_id
    _parts(given, where, code)
    action_ids: set[str] = set()
    for at, element in enumerate(_elements_of(given, where, code)):
        if not element.get("action_id"):
            element["action_id"] = next_id("a")
        _element(element, f"{where}/elements/{at}", code, action_ids)
    return given


def _parts(block: Json, where: str, code: str) -> None:
    kind = block["type"]
    if kind == "header":
        _plain(block.get("text"), 150, f"{where}/text", code)
    elif kind == "section":
        _check_section(block, where, code)
    elif kind == "context":
        parts = _objects(block.get("elements"))
        if not 1 <= len(parts) <= 10:
            raise _fault(code, "1 to 10 items allowed", f"{where}/elements")
        for at, one in enumerate(parts):
            if one.get("type") != "image":
                _text(one, 3000, f"{where}/elements/{at}", code)
    elif kind == "input":
        _plain(block.get("label"), 2000, f"{where}/label", code)


def _check_section(block: Json, where: str, code: str) -> None:
    if not block.get("text") and not block.get("fields"):
        raise _fault(code, "must have text or fields", where)
    if block.get("text"):
        _text(block["text"], 3000, f"{where}/text", code)
    fields = _objects(block.get("fields"))
    if len(fields) > 10:
        raise _fault(code, "no more than 10 items allowed", f"{where}/fields")
    for at, one in enumerate(fields):
        _text(one, 2000, f"{where}/fields/{at}", code)


def _elements_of(block: Json, where: str, code: str) -> list[Json]:
    if block["type"] == "actions":
        given = _objects(block.get("elements"))
        if not 1 <= len(given) <= 25:
            raise _fault(code, "1 to 25 items allowed", f"{where}/elements")
        return given
    if block["type"] == "input":
        if not isinstance(block.get("element"), dict):
            raise _fault(code, "missing required field: element", where)
        return [block["element"]]
    return [block["accessory"]] if block.get("accessory") else []


def _element(element: Json, where: str, code: str, seen: set[str]) -> None:
    kind = element.get("type")
    if kind not in ELEMENT_KINDS:
        raise _fault(code, f"unsupported type: {kind}", f"{where}/type")
    action_id = str(element.get("action_id") or "")
    if len(action_id) > 255:
        raise _fault(code, "must be at most 255 characters", f"{where}/action_id")
    if action_id and action_id in seen:
        raise _fault(code, f"`action_id` {action_id} already exists", f"{where}/action_id")
    seen.add(action_id)
    if kind == "button":
        _plain(element.get("text"), 75, f"{where}/text", code)
        if len(str(element.get("value") or "")) > 2000:
            raise _fault(code, "must be at most 2000 characters", f"{where}/value")
        if element.get("style") not in (None, "primary", "danger"):
            raise _fault(code, "must be primary or danger", f"{where}/style")
    if kind in ("static_select", "multi_static_select", "radio_buttons", "checkboxes", "overflow"):
        limit = {"radio_buttons": 10, "checkboxes": 10, "overflow": 5}.get(str(kind), 100)
        options = _objects(element.get("options")) or _objects(element.get("option_groups"))
        if not 1 <= len(options) <= limit:
            raise _fault(code, f"1 to {limit} items allowed", f"{where}/options")


def _plain(value: object, limit: int, where: str, code: str = "invalid_arguments") -> None:
    if not isinstance(value, dict) or cast("Json", value).get("type") != "plain_text":
        raise _fault(code, "must be a plain_text object", where)
    _text(cast("Json", value), limit, where, code)


def _text(value: object, limit: int, where: str, code: str) -> None:
    if not isinstance(value, dict) or cast("Json", value).get("type") not in ("plain_text", "mrkdwn"):
        raise _fault(code, "must be a text object", where)
    length = len(str(cast("Json", value).get("text") or ""))
    if length == 0:
        raise _fault(code, "must be more than 0 characters", f"{where}/text")
    if length > limit:
        raise _fault(code, f"must be less than {limit + 1} characters", f"{where}/text")


def _objects(value: object) -> list[Json]:
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", row) for row in rows if isinstance(row, dict)]


def _fault(code: str, what: str, where: str) -> SlackFault:
    line = f"[ERROR] {what} [json-pointer:{where}]"
    return SlackFault(code, errors=[line], response_metadata={"messages": [line]})


def _view_fault(what: str, where: str) -> SlackFault:
    return _fault("invalid_arguments", what, f"/view{where}")
