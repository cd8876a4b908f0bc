"""Block Kit, as far as Conveyor uses it, with Slack's limits held: typed builders, no wording.

Text that is too long is cut readably; an id or a value that is too long raises ValueError, since a
cut one would mean something else.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, cast

Block = dict[str, Any]
Element = dict[str, Any]
View = dict[str, Any]
Style = Literal["primary", "danger"]

MESSAGE_BLOCKS = 50
MESSAGE_TEXT = 9_500
MESSAGE_JSON = 15_000
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000
SECTION_TEXT = 3000
FIELD_TEXT = 2000
HEADER_TEXT = 150
CONTEXT_TEXT = 2000
LABEL_TEXT = 2000
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
ACTION_ELEMENTS = 25
CONTEXT_ELEMENTS = 10
FIELDS = 10
ID = 255
MODAL_TITLE = 24
PRIVATE_METADATA = 3000


def escape(text: str) -> str:
    """`text` so that Slack shows it as it is: no link, no mention, no control sequence.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_LINKS = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


def readable(text: str) -> str:
    """A message's text as people read it: the entities undone, a link as `label (address)`."""

    def shown(found: re.Match[str]) -> str:
        target, label = found[1], found[2] or ""
        match target[0]:
            case "@" | "#":
                return target[0] + (label or target[1:])
            case "!":
                return label or f"@{target[1:]}"
            case _:
                return f"{label} ({target})" if label and label != target else target

    plain = _LINKS.sub(shown, text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mention(user_id: str) -> str:
    """A mention of this person; it notifies them."""
    return f"<@{user_id}>"


def link(url: str, label: str) -> str:
    """A link; a `|` in `label` would end it, so it becomes `/`."""
    return f"<{url.replace('|', '%7C').replace('>', '%3E')}|{escape(label.replace('|', '/'))}>"


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with … where it was cut; no half entity, link or mention."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    if kept.rfind("<") > kept.rfind(">"):
        kept = kept[: kept.rfind("<")]
    tail = kept[kept.rfind("&") :]
    if any(entity.startswith(tail) for entity in ("&amp;", "&lt;", "&gt;") if entity != tail):
        kept = kept[: -len(tail)]
    return kept.rstrip() + "…"


def fit(blocks: Sequence[Block], limit: int = MESSAGE_BLOCKS) -> list[Block]:
    """`blocks`, or the first of them and one line that says how many are left out."""
    if len(blocks) <= limit:
        return list(blocks)
    return [*blocks[: limit - 1], context(f"… and {len(blocks) - limit + 1} more")]


def fits(blocks: Sequence[Block]) -> bool:
    """Slack takes `blocks` as one message: as many as it allows, and not too long all together.

    For the length it says no number, only `msg_blocks_too_long`. People measured: 9,597 characters of text
    in 15,561 of JSON were taken, 11,341 in 17,694 were not.

    Source: https://github.com/slackapi/bolt-js/issues/2867
    """
    as_json = json.dumps(list(blocks), ensure_ascii=False)
    return (
        len(blocks) <= MESSAGE_BLOCKS
        and len(as_json) <= MESSAGE_JSON
        and _text_length(list(blocks)) <= MESSAGE_TEXT
    )


def _text_length(part: object) -> int:
    """The characters of every text within `part`."""
    if isinstance(part, list):
        return sum(map(_text_length, cast("list[object]", part)))
    if not isinstance(part, dict):
        return 0
    inner = cast("dict[str, object]", part)
    text = inner.get("text")
    return (len(text) if isinstance(text, str) else 0) + sum(map(_text_length, inner.values()))


def plain(text: str, limit: int) -> Element:
    """A plain-text object; Slack refuses empty ones, so does this."""
    if not text:
        raise ValueError("Slack refuses an empty text")
    return {"type": "plain_text", "text": cut(text, limit), "emoji": True}


def mrkdwn(text: str, limit: int = SECTION_TEXT) -> Element:
    """A mrkdwn object. What people wrote goes through `escape` first."""
    if not text:
        raise ValueError("Slack refuses an empty text")
    return {"type": "mrkdwn", "text": cut(text, limit)}


def header(text: str) -> Block:
    """A large line of plain text, at most 150 characters."""
    return {"type": "header", "text": plain(text, HEADER_TEXT)}


def section(
    text: str = "",
    *,
    fields: Sequence[str] = (),
    accessory: Element | None = None,
    block_id: str = "",
) -> Block:
    """A paragraph of mrkdwn, up to 10 `fields` in two columns, or both; `accessory` stands beside it."""
    if len(fields) > FIELDS:
        raise ValueError(f"a section holds {FIELDS} fields, not {len(fields)}")
    block: Block = {"type": "section"}
    if text or not fields:
        block["text"] = mrkdwn(text)
    if fields:
        block["fields"] = [mrkdwn(field, FIELD_TEXT) for field in fields]
    if accessory:
        block["accessory"] = accessory
    return _with_id(block, block_id)


def context(*texts: str) -> Block:
    """A small grey line of up to 10 parts."""
    if not 1 <= len(texts) <= CONTEXT_ELEMENTS:
        raise ValueError(f"a context holds 1 to {CONTEXT_ELEMENTS} texts, not {len(texts)}")
    return {"type": "context", "elements": [mrkdwn(text, CONTEXT_TEXT) for text in texts]}


def divider() -> Block:
    """A line across."""
    return {"type": "divider"}


def actions(*elements: Element, block_id: str = "") -> Block:
    """A row of up to 25 buttons or menus."""
    if not 1 <= len(elements) <= ACTION_ELEMENTS:
        raise ValueError(f"an actions block holds 1 to {ACTION_ELEMENTS} elements, not {len(elements)}")
    return _with_id({"type": "actions", "elements": list(elements)}, block_id)


def button(
    label: str,
    action_id: str,
    value: str = "",
    *,
    style: Style | None = None,
    confirm: Element | None = None,
    url: str = "",
) -> Element:
    """A button. `value` comes back with the click: put an opaque id in it, nothing to be trusted."""
    element: Element = {"type": "button", "text": plain(label, BUTTON_TEXT), "action_id": _id(action_id)}
    if value:
        element["value"] = _limited("button value", value, BUTTON_VALUE)
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    if url:
        element["url"] = _limited("button url", url, 3000)
    return element


def confirm(title: str, text: str, yes: str, no: str, *, style: Style | None = None) -> Element:
    """What the person is asked before the click counts."""
    dialog: Element = {
        "title": plain(title, 100),
        "text": mrkdwn(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }
    if style:
        dialog["style"] = style
    return dialog


def text_input(
    action_id: str,
    *,
    multiline: bool = False,
    placeholder: str = "",
    initial: str = "",
    min_length: int = 0,
    max_length: int = 3000,
) -> Element:
    """A field to write in; stands in an `input` block."""
    element: Element = {
        "type": "plain_text_input",
        "action_id": _id(action_id),
        "multiline": multiline,
        "max_length": max_length,
    }
    if min_length:
        element["min_length"] = min_length
    if placeholder:
        element["placeholder"] = plain(placeholder, 150)
    if initial:
        element["initial_value"] = cut(initial, max_length)
    return element


def date_input(action_id: str) -> Element:
    """A calendar to choose a day from; it comes back as `YYYY-MM-DD`."""
    return {"type": "datepicker", "action_id": _id(action_id)}


def option(label: str, value: str) -> Element:
    """One choice of a menu: what is read, and what comes back."""
    return {"text": plain(label, 75), "value": _limited("option value", value, 150)}


def select(
    action_id: str, options: Sequence[Element], *, placeholder: str = "", initial: Element | None = None
) -> Element:
    """A menu of 1 to 100 `option`s."""
    if not 1 <= len(options) <= 100:
        raise ValueError(f"a menu holds 1 to 100 options, not {len(options)}")
    element: Element = {"type": "static_select", "action_id": _id(action_id), "options": list(options)}
    if placeholder:
        element["placeholder"] = plain(placeholder, 150)
    if initial:
        element["initial_option"] = initial
    return element


def checkboxes(action_id: str, options: Sequence[Element]) -> Element:
    """1 to 10 `option`s, any of which may be ticked."""
    if not 1 <= len(options) <= 10:
        raise ValueError(f"checkboxes hold 1 to 10 options, not {len(options)}")
    return {"type": "checkboxes", "action_id": _id(action_id), "options": list(options)}


def input_block(
    block_id: str, label: str, element: Element, *, hint: str = "", optional: bool = False
) -> Block:
    """A labelled field. `block_id` is the key of its value, and of its error when it is refused."""
    block: Block = {
        "type": "input",
        "block_id": _id(block_id),
        "label": plain(label, LABEL_TEXT),
        "element": element,
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint, 2000)
    return block


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str,
    submit: str = "",
    close: str = "",
    private_metadata: str = "",
    external_id: str = "",
    notify_on_close: bool = False,
) -> View:
    """A modal of up to 100 blocks and 250 kB. `external_id` is unique in the workspace: a natural key.

    `submit` is required when there is an `input` among the blocks.
    """
    view: View = {
        "type": "modal",
        "title": plain(title, MODAL_TITLE),
        "blocks": list(blocks),
        "callback_id": _limited("callback_id", callback_id, ID),
        "private_metadata": _limited("private_metadata", private_metadata, PRIVATE_METADATA),
        "notify_on_close": notify_on_close,
    }
    if any(block["type"] == "input" for block in blocks) and not submit:
        raise ValueError("a modal with inputs needs a submit label")
    if submit:
        view["submit"] = plain(submit, MODAL_TITLE)
    if close:
        view["close"] = plain(close, MODAL_TITLE)
    if external_id:
        view["external_id"] = _limited("external_id", external_id, ID)
    return _checked(view)


def home(blocks: Sequence[Block], *, callback_id: str = "", private_metadata: str = "") -> View:
    """An App Home of up to 100 blocks."""
    view: View = {"type": "home", "blocks": list(blocks)}
    if callback_id:
        view["callback_id"] = _limited("callback_id", callback_id, ID)
    if private_metadata:
        view["private_metadata"] = _limited("private_metadata", private_metadata, PRIVATE_METADATA)
    return _checked(view)


def _checked(view: View) -> View:
    count = len(view["blocks"])
    if count > VIEW_BLOCKS:
        raise ValueError(f"a view holds {VIEW_BLOCKS} blocks, not {count}")
    size = len(json.dumps(view).encode())
    if size > VIEW_BYTES:
        raise ValueError(f"a view holds {VIEW_BYTES} bytes, not {size}")
    return view


def _with_id(block: Block, block_id: str) -> Block:
    return {**block, "block_id": _id(block_id)} if block_id else block


def _id(value: str) -> str:
    if not value:
        raise ValueError("an id must not be empty")
    return _limited("id", value, ID)


def _limited(what: str, value: str, limit: int) -> str:
    if len(value) > limit:
        raise ValueError(f"{what}: {len(value)} characters, at most {limit}")
    return value
