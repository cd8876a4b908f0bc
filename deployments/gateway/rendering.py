"""The gateway's pages for people: rendered here, kept by nobody."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, Response

_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""Whoever has a signed link may decide: it is neither kept by a cache nor told to the next page."""

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


def page(template: str, status: int, **facts: object) -> Response:
    """The page made of `template` and `facts`, which are shown as text whatever they hold."""
    shown = _TEMPLATES.get_template(template).render(**facts)
    return HTMLResponse(shown, status_code=status, headers=_PRIVATE)
