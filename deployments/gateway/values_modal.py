"""The modal behind a request's button "Values": what it is worth, and why it is needed.

Its private metadata is "key channel": the request, and where the button stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from integrations.slack import blocks as b
from lifecycle.needs import NeedKind
from lifecycle.values import RequestType, Standing, Value

CALLBACK = "request.values"
REASON = "reason"
NEED = "need"
SAID = "said"
WAIVE = "waive"

POINTS = (1, 2, 3, 5, 8, 13, 20, 40, 100)
"""The sizes to choose from; the command line takes any number."""

_CHOICES: Mapping[Value, tuple[str, ...]] = {
    Value.TYPE: tuple(each.value for each in RequestType),
    Value.URGENCY: ("1", "2", "3", "4", "5"),
    Value.IMPORTANCE: ("1", "2", "3", "4", "5"),
    Value.COMPLEXITY: tuple(map(str, POINTS)),
}


class Filled(NamedTuple):
    """What somebody sent off. `need` is "" if they said nothing of it."""

    key: str
    channel: str
    values: Mapping[str, str]
    need: str
    said: str
    reason: str


def view(key: str, channel: str, standing: Mapping[Value, Standing], need: str) -> dict[str, Any]:
    """The modal; each menu shows what stands or is suggested, and choosing nothing leaves it."""
    fields = [
        b.input_block(
            value.value,
            value.value.capitalize(),
            b.select(
                value.value, [b.option(x, x) for x in _CHOICES[value]], placeholder=_shown(standing[value])
            ),
            hint=b.cut(f"{standing[value].basis}: {standing[value].why}", 2000),
            optional=True,
        )
        for value in Value
    ]
    kinds = [b.option(kind.value, kind.value) for kind in NeedKind]
    kinds.append(b.option("none: I waive it", WAIVE))
    fields += [
        b.input_block(
            NEED,
            "Need",
            b.select(NEED, kinds, placeholder="what shows it"),
            hint=b.cut(f"on record: {need or 'nothing'}", 2000),
            optional=True,
        ),
        b.input_block(SAID, "Link, words or issue of the need", b.text_input(SAID), optional=True),
        b.input_block(REASON, "Why", b.text_input(REASON, multiline=True), optional=True),
    ]
    return b.modal(
        f"Values of {key}"[: b.MODAL_TITLE],
        fields,
        callback_id=CALLBACK,
        submit="Set",
        close="Cancel",
        private_metadata=f"{key} {channel}",
    )


def _shown(standing: Standing) -> str:
    return f"{standing.to} ({standing.basis})" if standing.to is not None else "nothing known"


def filled(sent: Mapping[str, Any]) -> Filled:
    """What the person chose and wrote."""
    key, _, channel = str(sent.get("private_metadata", "")).partition(" ")
    held = sent.get("state", {}).get("values", {})
    chosen = {value.value: _held(held, value.value) for value in Value}
    return Filled(
        key=key,
        channel=channel,
        values={name: text for name, text in chosen.items() if text},
        need=_held(held, NEED),
        said=_held(held, SAID),
        reason=_held(held, REASON),
    )


def _held(held: Mapping[str, Any], name: str) -> str:
    element = held.get(name, {}).get(name) or {}
    option = element.get("selected_option") or {}
    return str(option.get("value") or element.get("value") or "").strip()
