"""Releases and generic packages.

Source: https://docs.gitlab.com/api/releases/, https://docs.gitlab.com/user/packages/generic_packages/
"""

from __future__ import annotations

import hashlib
from typing import cast

from integrations.sandbox.gitlab import payloads, shapes
from integrations.sandbox.gitlab.api_tags import make_tag
from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.git import Commit
from integrations.sandbox.gitlab.params import Params
from integrations.sandbox.gitlab.routing import Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import Fields, Package, Release, iso, now

routes = Routes()
_FILE = "/projects/:id/packages/generic/:package/:version/:file"


def _find(call: Call) -> Release:
    found = call.project.records.releases.get(call.names["tag_name"])
    if found is None:
        raise missing("Not found")
    return found


def _commit(call: Call, tag: str) -> Commit | None:
    try:
        return call.project.git.commit(call.project.git.ref(f"refs/tags/{tag}").target)
    except KeyError:
        return None


def _shape(call: Call, it: Release) -> Fields:
    commit, path = _commit(call, it.tag), call.project.path
    url = f"{call.project.web_url}/-/releases/{it.tag}"
    return {
        "name": it.name,
        "tag_name": it.tag,
        "description": it.description,
        "created_at": iso(it.created),
        "released_at": iso(it.released),
        "upcoming_release": it.released > now(),
        "author": shapes.user(call.instance, it.author),
        "commit": shapes.commit(call.project, commit) if commit else None,
        "milestones": [],
        "commit_path": f"/{path}/-/commit/{commit.sha}" if commit else None,
        "tag_path": f"/{path}/-/tags/{it.tag}",
        "assets": {"count": len(it.links), "sources": [], "links": it.links},
        "evidences": [],
        "_links": {"self": url},
    }


def _emit(call: Call, it: Release, action: str) -> None:
    commit = _commit(call, it.tag)
    call.project.emit("releases", payloads.release_event(call.project, it, action, commit))


@routes.get("/projects/:id/releases")
def releases(call: Call) -> Page:
    """All, the newest first."""
    by = call.params.choice("order_by", ("released_at", "created_at"), "released_at")
    down = call.params.choice("sort", ("asc", "desc"), "desc") == "desc"
    rows = sorted(
        call.project.records.releases.values(),
        key=lambda each: each.released if by == "released_at" else each.created,
        reverse=down,
    )
    return paged(rows, lambda each: _shape(call, each))


@routes.get("/projects/:id/releases/:tag_name")
def release(call: Call) -> Reply:
    """The release of a tag."""
    return Reply(_shape(call, _find(call)))


@routes.post("/projects/:id/releases")
def create_release(call: Call) -> Reply:
    """A new one; 409 if the tag has one. A tag that is not there is made at `ref`, with `tag_message`."""
    tag = call.params.needed("tag_name")
    if tag in call.project.records.releases:
        raise refuse(409, "Release already exists")
    if _commit(call, tag) is None:
        if not call.params.text("ref"):
            raise refuse(422, "Ref is not specified")
        make_tag(call, tag, call.params.text("ref"), call.params.text("tag_message"))
    moment = now()
    made = Release(
        tag,
        call.params.text("name") or tag,
        call.params.text("description"),
        call.user.id,
        moment,
        call.params.time("released_at") or moment,
        links=_links(call),
    )
    call.project.records.releases[tag] = made
    _emit(call, made, "create")
    return created(_shape(call, made))


def _links(call: Call) -> list[Fields]:
    assets = call.params.values.get("assets")
    if not isinstance(assets, dict) or "links" not in assets:
        return []
    return [_link(call, link) for link in Params(cast("Fields", assets)).records("links")]


def _link(call: Call, given: Params) -> Fields:
    given.require("name", "url")
    return {
        "id": next(call.instance.ids),
        "name": given.text("name"),
        "url": given.text("url"),
        "direct_asset_url": given.text("url"),
        "link_type": given.text("link_type", "other"),
    }


@routes.post("/projects/:id/releases/:tag_name/assets/links")
def create_link(call: Call) -> Reply:
    """One more link; 400 if the release has one of that name or url.

    Source: https://docs.gitlab.com/api/releases/links/#create-a-release-link
    """
    it, made = _find(call), _link(call, call.params)
    for part in ("name", "url"):
        if any(link[part] == made[part] for link in it.links):
            raise refuse(400, {part: ["has already been taken"]})
    it.links.append(made)
    return created(made)


@routes.put("/projects/:id/releases/:tag_name")
def update_release(call: Call) -> Reply:
    """Change its name, its text or its time."""
    it = _find(call)
    it.name = call.params.text("name", it.name)
    it.description = call.params.text("description", it.description)
    it.released = call.params.time("released_at") or it.released
    _emit(call, it, "update")
    return Reply(_shape(call, it))


@routes.delete("/projects/:id/releases/:tag_name")
def delete_release(call: Call) -> Reply:
    """Delete the release; its tag stays."""
    it = _find(call)
    answer = Reply(_shape(call, it))
    del call.project.records.releases[it.tag]
    _emit(call, it, "delete")
    return answer


def _package(call: Call) -> tuple[str, str, str]:
    return call.names["package"], call.names["version"], call.names["file"]


@routes.put(_FILE)
def upload(call: Call) -> Reply:
    """Keep the body as this file; the same file again is kept beside it, and the newest is given."""
    name, version, file = _package(call)
    made = Package(next(call.instance.ids), name, version, file, call.body, now())
    call.project.records.packages.append(made)
    if call.params.text("select") == "package_file":
        digest = hashlib.sha256(call.body).hexdigest()
        body = {"id": made.id, "file_name": file, "size": len(call.body), "file_sha256": digest}
        return created(body)
    return created({"message": "201 Created"})


@routes.get(_FILE)
def download(call: Call) -> Reply:
    """The newest file of this name."""
    wanted = _package(call)
    for each in reversed(call.project.records.packages):
        if (each.name, each.version, each.file) == wanted:
            return Reply(
                each.content, headers={"X-Checksum-Sha256": hashlib.sha256(each.content).hexdigest()}
            )
    raise missing("Not found")


@routes.get("/projects/:id/packages")
def packages(call: Call) -> Page:
    """The packages: one row for a name and version, by `package_name` and `package_version`."""
    name, version = call.params.text("package_name"), call.params.optional("package_version")
    rows: dict[tuple[str, str], Package] = {}
    for each in call.project.records.packages:
        if name in each.name and version in (None, each.version):
            rows.setdefault((each.name, each.version), each)
    return paged(
        rows.values(),
        lambda each: {
            "id": each.id,
            "name": each.name,
            "version": each.version,
            "package_type": "generic",
            "status": "default",
            "created_at": iso(each.created),
            "_links": {"web_path": f"/{call.project.path}/-/packages/{each.id}"},
            "tags": [],
        },
    )
