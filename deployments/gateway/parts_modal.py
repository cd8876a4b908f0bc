"""The modals behind a request's buttons "Parts" and "Work order".

Their private metadata is "key channel": the request, and where the button stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deployments.gateway.values_modal import POINTS
from integrations.slack import blocks as b
from lifecycle.parts import ROLES, Part, Role
from lifecycle.policy import Person
from tasks import value_lines

SPLIT, ORDER = "request.parts", "request.order"
"""Their callback ids."""

SEQUENCE = "sequence"
TO, WHAT, BY = "to", "what", "by"

_TITLES: Mapping[str, str] = {"developer": "Developer", "qa": "QA", "devops": "DevOps"}
_BRIEF, _ESTIMATE = "brief.", "estimate."
_ESTIMATED = 20
_PEOPLE = 100


class Split(NamedTuple):
    """What somebody sent off: who does which role, in which order, and points by sub-task."""

    key: str
    channel: str
    roles: Mapping[str, Role]
    order: str
    points: Mapping[str, str]


class Handed(NamedTuple):
    """A work order that somebody sent off."""

    key: str
    channel: str
    to: str
    what: str
    by: str


def split_view(key: str, channel: str, had: Sequence[Part], people: Sequence[Person]) -> dict[str, Any]:
    """What the request is split into, a menu per role to add to it, and the size of each sub-task."""
    fields: list[b.Block] = [b.section(_standing(had))]
    for part in [each for each in had if each.issue and not each.is_order][:_ESTIMATED]:
        points = [b.option(str(n), str(n)) for n in POINTS]
        shown = "not estimated" if part.points is None else f"{part.points} points"
        fields.append(
            b.input_block(
                f"{_ESTIMATE}{part.issue}",
                f"Points of {part.issue}, {part.asked.name}",
                b.select(f"{_ESTIMATE}{part.issue}", points, placeholder=shown),
                hint="Only who does it estimates it.",
                optional=True,
            )
        )
    for role in ROLES:
        fields += _role(role, people)
    order = b.text_input(SEQUENCE, placeholder="devops developer+qa")
    hint = "If it is not developer, QA, DevOps. + stands between those that are done at once."
    fields.append(b.input_block(SEQUENCE, "In which order", order, hint=hint, optional=True))
    return _modal(f"Parts of {key}", fields, SPLIT, "Set", f"{key} {channel}")


def _standing(had: Sequence[Part]) -> str:
    lines = [f"• {value_lines.part_line(part)}" for part in had]
    return "\n".join(lines) or "Not split yet: choose who does what."


def _role(role: str, people: Sequence[Person]) -> list[b.Block]:
    """Who may do it, and the brief; nothing where nobody has the role."""
    able = [person for person in people if person.active and person.jira and role in person.roles]
    if not able:
        return []
    options = [b.option(person.name, person.id) for person in able[:_PEOPLE]]
    brief = f"{_BRIEF}{role}"
    return [
        b.input_block(
            role, _TITLES[role], b.select(role, options, placeholder="choose who does it"), optional=True
        ),
        b.input_block(
            brief, f"{_TITLES[role]}: the brief", b.text_input(brief, multiline=True), optional=True
        ),
    ]


def order_view(key: str, channel: str) -> dict[str, Any]:
    """To whom outside the team something is handed, what, and by which day."""
    fields = [
        b.input_block(TO, "To whom", b.text_input(TO, max_length=100), hint="A name; also a person's id."),
        b.input_block(WHAT, "What is to be done", b.text_input(WHAT, multiline=True)),
        b.input_block(BY, "By which day", b.date_input(BY)),
    ]
    return _modal(f"Work order of {key}", fields, ORDER, "Hand out", f"{key} {channel}")


def _modal(title: str, fields: Sequence[b.Block], callback: str, submit: str, place: str) -> dict[str, Any]:
    return b.modal(
        title[: b.MODAL_TITLE],
        fields,
        callback_id=callback,
        submit=submit,
        close="Cancel",
        private_metadata=place,
    )


def split_in(sent: Mapping[str, Any]) -> Split:
    """What the person chose and wrote in the modal of parts."""
    key, channel, held = _sent(sent)
    roles = {role: Role(held[role], held.get(f"{_BRIEF}{role}", "")) for role in ROLES if role in held}
    points = {name.removeprefix(_ESTIMATE): said for name, said in held.items() if name.startswith(_ESTIMATE)}
    return Split(key, channel, roles, held.get(SEQUENCE, ""), points)


def order_in(sent: Mapping[str, Any]) -> Handed:
    """What the person wrote in the modal of a work order."""
    key, channel, held = _sent(sent)
    return Handed(key, channel, held.get(TO, ""), held.get(WHAT, ""), held.get(BY, ""))


def estimate_field(sub: str) -> str:
    """The field of this sub-task's points."""
    return f"{_ESTIMATE}{sub}"


def _sent(sent: Mapping[str, Any]) -> tuple[str, str, dict[str, str]]:
    """The request, the channel, and what every field holds that holds anything."""
    key, _, channel = str(sent.get("private_metadata", "")).partition(" ")
    values: Mapping[str, Any] = sent.get("state", {}).get("values", {})
    texts = {name: _text(held.get(name) or {}) for name, held in values.items()}
    return key, channel, {name: text for name, text in texts.items() if text}


def _text(element: Mapping[str, Any]) -> str:
    option: Mapping[str, Any] = element.get("selected_option") or {}
    said = option.get("value") or element.get("selected_date") or element.get("value") or ""
    return str(said).strip()
