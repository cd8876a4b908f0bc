"""CI/CD variables and freeze periods of a project.

Source: https://docs.gitlab.com/api/project_level_variables/ and https://docs.gitlab.com/api/freeze_periods/
"""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from integrations.sandbox.gitlab.ci_settings import FreezePeriod, Variable
from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.routing import NOTHING, Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import MAINTAINER, Fields, iso, now

routes = Routes()
_VARIABLES = "/projects/:id/variables"
_FREEZES = "/projects/:id/freeze_periods"
_CRON = re.compile(r"\S+( \S+){4}")


def _variable(it: Variable) -> Fields:
    return {
        "variable_type": "env_var",
        "key": it.key,
        "value": it.value,
        "hidden": False,
        "protected": it.protected,
        "masked": it.masked,
        "raw": False,
        "environment_scope": it.scope,
        "description": None,
    }


def _the_variable(call: Call) -> Variable:
    """The one of that key; of several, the one of the scope that the filter names."""
    scope = call.params.optional("filter[environment_scope]")
    rows = [v for v in call.project.records.variables if v.key == call.names["key"]]
    rows = [v for v in rows if scope in (None, v.scope)]
    if not rows:
        raise missing("Variable")
    if len(rows) > 1:
        raise refuse(409, "There are multiple variables with provided parameters. Please use 'filter'")
    return rows[0]


@routes.get(_VARIABLES, MAINTAINER)
def variables(call: Call) -> Page:
    """All of them, with their values."""
    return paged(call.project.records.variables, _variable)


@routes.get(f"{_VARIABLES}/:key", MAINTAINER)
def variable(call: Call) -> Reply:
    """One of them."""
    return Reply(_variable(_the_variable(call)))


@routes.post(_VARIABLES, MAINTAINER)
def create_variable(call: Call) -> Reply:
    """A new one; 400 if there is one of this key and scope."""
    call.params.require("key", "value")
    made = Variable(
        call.params.text("key"),
        call.params.text("value"),
        call.params.text("environment_scope", "*"),
        call.params.flag("protected"),
        call.params.flag("masked"),
    )
    if any((v.key, v.scope) == (made.key, made.scope) for v in call.project.records.variables):
        raise refuse(400, {"key": [f"({made.key}) has already been taken"]})
    call.project.records.variables.append(made)
    return created(_variable(made))


@routes.put(f"{_VARIABLES}/:key", MAINTAINER)
def update_variable(call: Call) -> Reply:
    """Another value or scope."""
    it = _the_variable(call)
    it.value = call.params.text("value", it.value)
    it.scope = call.params.text("environment_scope", it.scope)
    return Reply(_variable(it))


@routes.delete(f"{_VARIABLES}/:key", MAINTAINER)
def delete_variable(call: Call) -> Reply:
    """Delete it."""
    call.project.records.variables.remove(_the_variable(call))
    return NOTHING


def _freeze(it: FreezePeriod) -> Fields:
    return {
        "id": it.id,
        "freeze_start": it.start,
        "freeze_end": it.end,
        "cron_timezone": it.zone,
        "created_at": iso(it.created),
        "updated_at": iso(it.updated),
    }


def _the_freeze(call: Call) -> FreezePeriod:
    found = call.project.records.freezes.get(call.number("freeze_period_id"))
    if found is None:
        raise missing("Freeze Period")
    return found


@routes.get(_FREEZES)
def freezes(call: Call) -> Page:
    """All of them, the earliest start first."""
    return paged(sorted(call.project.records.freezes.values(), key=lambda it: it.created), _freeze)


@routes.get(f"{_FREEZES}/:freeze_period_id")
def freeze(call: Call) -> Reply:
    """One of them."""
    return Reply(_freeze(_the_freeze(call)))


@routes.post(_FREEZES, MAINTAINER)
def create_freeze(call: Call) -> Reply:
    """A new one, in UTC unless another zone is named."""
    call.params.require("freeze_start", "freeze_end")
    made = FreezePeriod(next(call.instance.ids), "", "", "UTC", now(), now())
    _set(call, made)
    call.project.records.freezes[made.id] = made
    return created(_freeze(made))


@routes.put(f"{_FREEZES}/:freeze_period_id", MAINTAINER)
def update_freeze(call: Call) -> Reply:
    """Other times."""
    it = _the_freeze(call)
    _set(call, it)
    it.updated = now()
    return Reply(_freeze(it))


def _set(call: Call, it: FreezePeriod) -> None:
    """400 with GitLab's words for what is no cron line or no zone."""
    wanted = {
        "freeze_start": call.params.text("freeze_start", it.start),
        "freeze_end": call.params.text("freeze_end", it.end),
    }
    zone = call.params.text("cron_timezone", it.zone)
    wrong: Fields = {
        name: [" is invalid syntax"] for name, line in wanted.items() if not _CRON.fullmatch(line)
    }
    if zone not in available_timezones():
        wrong["cron_timezone"] = [" is invalid syntax"]
    if wrong:
        raise refuse(400, wrong)
    it.start, it.end, it.zone = wanted["freeze_start"], wanted["freeze_end"], zone


@routes.delete(f"{_FREEZES}/:freeze_period_id", MAINTAINER)
def delete_freeze(call: Call) -> Reply:
    """Delete it."""
    del call.project.records.freezes[_the_freeze(call).id]
    return NOTHING
