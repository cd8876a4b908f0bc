"""What can be wrong in Jira."""

from __future__ import annotations

from tests.demo.breaking import Act, breaks, named
from tests.demo.ending import AGAIN, GIFT, INCIDENT, ROLLED_BACK, SALES, SEARCH
from tests.demo.world import DEFERRED, KEYS, REASON, REMOVAL_REASON, World


def _elsewhere(name: str) -> Act:
    def act(world: World) -> None:
        state = world.jira.state
        state.move(state.issue(KEYS[name]), "Released")

    return named(act, f"{name}_stands_in_another_status")


def _shorter(name: str) -> Act:
    def act(world: World) -> None:
        history = world.jira.state.issue(KEYS[name]).history
        moves = [entry for entry in history if entry.items[0]["field"] == "status"]
        history.remove(moves[-1])

    return named(act, f"{name}_never_went_the_last_step")


def _other_version(name: str) -> Act:
    def act(world: World) -> None:
        update = {"fixVersions": [{"set": [{"name": "1.4.0"}]}]}
        world.on_jira("PUT", f"/issue/{KEYS[name]}", {"update": update})

    return named(act, f"{name}_goes_out_with_another_version")


for _name in KEYS:
    breaks(f"jira.status.{_name}")(_elsewhere(_name))
    breaks(f"jira.history.{_name}")(_shorter(_name))
    breaks(f"jira.fix-version.{_name}")(_other_version(_name))


@breaks("jira.history.search")
def the_returned_issue_was_returned_again(world: World) -> None:
    history = world.jira.state.issue(SEARCH).history
    back = [entry for entry in history if entry.items[0].get("toString") == "In Progress"][-1]
    history.append(type(back)("99999", back.author, back.created, back.items))


def _unlinked(name: str) -> Act:
    def act(world: World) -> None:
        world.jira.state.issue(KEYS[name]).remote_links.popitem()

    return named(act, f"a_merge_request_is_not_linked_to_{name}")


for _name in ("gift", "search", "sales", "incident"):
    breaks(f"jira.links.{_name}")(_unlinked(_name))


@breaks("jira.links.gift")
def a_merge_request_is_linked_twice(world: World) -> None:
    links = world.on_jira("GET", f"/issue/{GIFT}/remotelink")
    world.on_jira("POST", f"/issue/{GIFT}/remotelink", {"globalId": "other", "object": links[0]["object"]})


def _version(name: str, *, released: bool) -> Act:
    def act(world: World) -> None:
        rows = world.on_jira("GET", "/project/SHOP/versions")
        found = next(row["id"] for row in rows if row["name"] == name)
        world.on_jira("PUT", f"/version/{found}", {"released": released})

    return named(act, f"version_{name}_is_released: {released}")


breaks("jira.version.1.4.0")(_version("1.4.0", released=True))
breaks("jira.version.1.4.1")(_version("1.4.1", released=False))


@breaks(f"jira.deferred.{DEFERRED}")
def the_deferred_issue_was_begun(world: World) -> None:
    world.walk(DEFERRED, "In Progress")


@breaks(f"jira.deferred.{DEFERRED}")
def nobody_said_why_it_was_deferred(world: World) -> None:
    _uncommented(world, DEFERRED, "Not in the next release")


@breaks("jira.duplicate")
def the_duplicate_is_not_linked(world: World) -> None:
    link = next(iter(world.jira.state.links))
    world.on_jira("DELETE", f"/issueLink/{link}")


@breaks("jira.return-reason")
def the_reason_of_the_return_is_missing(world: World) -> None:
    _uncommented(world, SEARCH, REASON)


@breaks("jira.return-reason", "jira.said-once")
def the_reason_of_the_return_stands_twice(world: World) -> None:
    _comment(world, SEARCH, f"Returned for rework by Quinn (QA): {REASON}")


@breaks("jira.removal-reason")
def nobody_said_why_the_issue_was_taken_out(world: World) -> None:
    _uncommented(world, SALES, REMOVAL_REASON)


@breaks("jira.said-once")
def a_comment_stands_twice(world: World) -> None:
    _comment(world, AGAIN, f"Merged into {GIFT}.")


@breaks("jira.client-asked")
def the_client_was_asked_on_two_issues(world: World) -> None:
    _comment(world, SEARCH, "Clara (client): http://gateway.test/decide/def")


@breaks("jira.client-asked")
def the_client_was_not_asked(world: World) -> None:
    _uncommented(world, GIFT, "/decide/")


@breaks("jira.incident")
def a_second_incident_is_open(world: World) -> None:
    _file(world, ROLLED_BACK, "Bug", "incident")


@breaks("jira.incident")
def the_incident_is_no_bug(world: World) -> None:
    world.jira.state.issue(INCIDENT).issuetype = "Task"


@breaks("jira.requests")
def a_request_became_two_issues(world: World) -> None:
    _file(world, "Search in the catalogue", "Task", "request")


def _file(world: World, summary: str, kind: str, label: str) -> None:
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": kind}, "summary": summary, "labels": [label]}
    world.on_jira("POST", "/issue", {"fields": fields})


def _comment(world: World, key: str, text: str) -> None:
    world.on_jira("POST", f"/issue/{key}/comment", {"body": text})


def _uncommented(world: World, key: str, text: str) -> None:
    rows = world.on_jira("GET", f"/issue/{key}/comment")["comments"]
    found = next(row["id"] for row in rows if text in row["body"])
    world.on_jira("DELETE", f"/issue/{key}/comment/{found}")
