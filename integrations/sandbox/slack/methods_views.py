"""views.*: modals in front of people, and their App Homes."""

from __future__ import annotations

from integrations.sandbox.slack.api import Call, method
from integrations.sandbox.slack.kit import checked_view
from integrations.sandbox.slack.shapes import view_json
from integrations.sandbox.slack.state import Json, OpenView, SlackFault, Workspace

_STACK = 3


@method("views.open", 4)
def open_view(call: Call) -> Json:
    """Open a modal for the person whose trigger this is."""
    view = _modal(call)
    trigger = call.workspace.use_trigger(call.text("trigger_id"))
    opened = place_view(call.workspace, trigger.user_id, view)
    return {"view": view_json(call.workspace, opened, state=False)}


@method("views.push", 4)
def push_view(call: Call) -> Json:
    """Put a modal on top of the one from which the trigger came."""
    view = _modal(call)
    trigger = call.workspace.use_trigger(call.text("trigger_id"))
    below = call.workspace.views.get(trigger.view_id)
    if below is None:
        raise SlackFault("not_found")
    opened = push_on(call.workspace, below, view)
    return {"view": view_json(call.workspace, opened, state=False)}


@method("views.update", 4)
def update_view(call: Call) -> Json:
    """Replace an open modal, found by `view_id` or `external_id`."""
    workspace = call.workspace
    view = checked_view(call.arguments.get("view"), workspace.new_id)
    view_id, external_id = call.text("view_id"), call.text("external_id")
    opened = next(
        (
            one
            for one in workspace.views.values()
            if one.id == view_id or (external_id and one.view.get("external_id") == external_id)
        ),
        None,
    )
    if opened is None:
        raise SlackFault("not_found")
    if call.text("hash") and call.text("hash") != opened.hash:
        raise SlackFault("hash_conflict")
    replace_view(workspace, opened, view)
    return {"view": view_json(workspace, opened)}


@method("views.publish", 4)
def publish_view(call: Call) -> Json:
    """Set a person's App Home."""
    workspace = call.workspace
    view = checked_view(call.arguments.get("view"), workspace.new_id)
    if view["type"] != "home":
        raise SlackFault("invalid_arguments")
    user_id = call.text("user_id", required=True)
    workspace.user(user_id)
    opened = workspace.homes.get(user_id)
    if opened is None:
        view_id = workspace.new_id("V")
        opened = OpenView(view_id, "home", user_id, view, "", view_id)
        workspace.homes[user_id] = opened
    elif call.text("hash") and call.text("hash") != opened.hash:
        raise SlackFault("hash_conflict")
    replace_view(workspace, opened, view)
    return {"view": view_json(workspace, opened)}


def place_view(workspace: Workspace, user_id: str, view: Json) -> OpenView:
    """A modal in front of this person."""
    _unique(workspace, view)
    view_id = workspace.new_id("V")
    opened = OpenView(view_id, "modal", user_id, view, _hash(workspace), view_id)
    workspace.views[view_id] = opened
    workspace.touch()
    return opened


def push_on(workspace: Workspace, below: OpenView, view: Json) -> OpenView:
    """A modal on top of another, at most three high."""
    _unique(workspace, view)
    stack = [one for one in workspace.views.values() if one.root_id == below.root_id]
    if len(stack) >= _STACK:
        raise SlackFault("push_limit_reached")
    view_id = workspace.new_id("V")
    opened = OpenView(
        view_id, "modal", below.user_id, view, _hash(workspace), below.root_id, previous_id=below.id
    )
    workspace.views[view_id] = opened
    workspace.touch()
    return opened


def replace_view(workspace: Workspace, opened: OpenView, view: Json) -> None:
    """Show another view in its place; what was put into fields that stay is kept."""
    if view.get("external_id") != opened.view.get("external_id"):
        _unique(workspace, view)
    opened.view = view
    opened.hash = _hash(workspace)
    opened.errors = {}
    kept = {block["block_id"] for block in view["blocks"]}
    opened.inputs = {block_id: values for block_id, values in opened.inputs.items() if block_id in kept}
    workspace.touch()


def _modal(call: Call) -> Json:
    view = checked_view(call.arguments.get("view"), call.workspace.new_id)
    if view["type"] != "modal":
        raise SlackFault("invalid_arguments")
    return view


def _unique(workspace: Workspace, view: Json) -> None:
    external_id = view.get("external_id")
    if external_id and any(
        one.view.get("external_id") == external_id
        for one in [*workspace.views.values(), *workspace.homes.values()]
    ):
        raise SlackFault("duplicate_external_id")


def _hash(workspace: Workspace) -> str:
    return f"{workspace.new_ts()[:10]}.{workspace.new_id('h')}"
