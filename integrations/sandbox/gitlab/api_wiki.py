"""The wiki, thin. Source: https://docs.gitlab.com/api/wikis/"""

from __future__ import annotations

from integrations.sandbox.gitlab.errors import missing, refuse
from integrations.sandbox.gitlab.routing import NOTHING, Call, Page, Reply, Routes, created, paged
from integrations.sandbox.gitlab.state import Fields, WikiPage

routes = Routes()
_ALL = "/projects/:id/wikis"
_ONE = f"{_ALL}/:slug"


def _shape(page: WikiPage, content: bool = True) -> Fields:
    head: Fields = {"format": page.format, "slug": page.slug, "title": page.title}
    return {**head, "content": page.content, "encoding": "UTF-8", "front_matter": {}} if content else head


def _find(call: Call) -> WikiPage:
    page = call.project.records.wiki.get(call.names["slug"])
    if page is None:
        raise missing("Wiki Page")
    return page


@routes.get(_ALL)
def pages(call: Call) -> Page:
    """All pages, by slug."""
    with_content = call.params.flag("with_content")
    rows = sorted(call.project.records.wiki.values(), key=lambda page: page.slug)
    return paged(rows, lambda page: _shape(page, with_content))


@routes.get(_ONE)
def page(call: Call) -> Reply:
    """One page."""
    return Reply(_shape(_find(call)))


@routes.post(_ALL)
def create_page(call: Call) -> Reply:
    """A new page; its title makes its slug. 422 if there is one."""
    call.params.require("title", "content")
    title = call.params.text("title")
    slug = title.replace(" ", "-")
    if slug in call.project.records.wiki:
        raise refuse(422, "Duplicate page: A page with that title already exists")
    form = call.params.choice("format", ("markdown", "rdoc", "asciidoc", "org"), "markdown")
    made = WikiPage(slug, title, call.params.text("content"), form)
    call.project.records.wiki[slug] = made
    return created(_shape(made))


@routes.put(_ONE)
def update_page(call: Call) -> Reply:
    """Another title or content; another title is another slug."""
    it, wiki = _find(call), call.project.records.wiki
    title = call.params.text("title", it.title)
    slug = title.replace(" ", "-")
    if slug != it.slug and slug in wiki:
        raise refuse(422, "Duplicate page: A page with that title already exists")
    del wiki[it.slug]
    it.slug, it.title, it.content = slug, title, call.params.text("content", it.content)
    wiki[slug] = it
    return Reply(_shape(it))


@routes.delete(_ONE)
def delete_page(call: Call) -> Reply:
    """Delete it."""
    del call.project.records.wiki[_find(call).slug]
    return NOTHING
