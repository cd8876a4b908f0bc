"""The WSGI application: from a request to a page, with a log line and a metric for each."""

import json
import sys
import threading
import time
import traceback
import uuid
from datetime import datetime, timezone
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl

from shop import cart as carts
from shop import catalogue, orders, pages, settings
from shop.metrics import Metrics

_HTML, _JSON, _TEXT = "text/html; charset=utf-8", "application/json", "text/plain; version=0.0.4"
_REASONS = {200: "OK", 303: "See Other", 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error"}
_NOTHING = (404, _TEXT, "Nothing here.\n", [])
_MOST_SESSIONS = 10_000
_LONGEST_FORM = 10_000


class Shop:
    """One running shop: the sessions' carts and the metrics."""

    def __init__(self, process: int = 0, log=sys.stdout) -> None:
        self._about = {
            "version": settings.version(),
            "sha": settings.sha(),
            "environment": settings.environment(),
        }
        self._process = process
        self._log = log
        self._lock = threading.Lock()
        self._carts: dict[str, carts.Cart] = {}
        self.metrics = Metrics()

    def __call__(self, environ, start_response):
        """Answer one request; whatever goes wrong is a 500 and a log line."""
        began = time.monotonic()
        self.metrics.began()
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        more: dict[str, object] = {}
        try:
            status, kind, body, headers = self._answer(method, path, environ)
        except carts.BadOrder as error:
            status, kind, body, headers = 400, _TEXT, f"{error}\n", []
        except Exception as error:  # the last line of defence: the shop goes on
            more = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
            status, kind, body, headers = 500, _TEXT, "Something went wrong.\n", []
        content = body.encode()
        seconds = time.monotonic() - began
        self.metrics.observe(method, path if status != 404 else "other", status, seconds)
        self.log("error" if status >= 500 else "info", "request", method=method, path=path, status=status,
                 ms=round(seconds * 1000, 2), **more)
        start_response(f"{status} {_REASONS[status]}", [
            ("Content-Type", kind), ("Content-Length", str(len(content))), *headers])
        return [content]

    def log(self, level: str, message: str, **more: object) -> None:
        """One JSON line."""
        entry = {"time": datetime.now(timezone.utc).isoformat(), "level": level, "message": message,
                 **self._about, **more}
        self._log.write(json.dumps(entry) + "\n")
        self._log.flush()

    def _answer(self, method, path, environ):
        if method in ("GET", "HEAD"):
            return self._show(path, environ)
        if method == "POST" and path == "/orders":
            return self._order(environ)
        if method == "POST" and path.startswith("/cart/"):
            return self._change(path.removeprefix("/cart/"), environ)
        return _NOTHING

    def _show(self, path, environ):
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        if path == "/":
            return 200, _HTML, self._page("Catalogue", pages.products(query)), []
        if path == "/api/products":
            found = [{"id": one.id, "name": one.name, "price": one.price} for one in catalogue.listing(query)]
            return 200, _JSON, json.dumps(found), []
        if path == "/cart":
            return 200, _HTML, self._page("Cart", pages.cart(self._session(environ)[1])), []
        if path == "/api/cart":
            return 200, _JSON, json.dumps(carts.summary(self._session(environ)[1])), []
        if path == "/healthz":
            return 200, _JSON, json.dumps({"status": "ok", "process": self._process, **self._about}), []
        if path == "/metrics":
            return 200, _TEXT, self.metrics.text(**self._about), []
        return _NOTHING

    def _change(self, action, environ):
        if action not in carts.ACTIONS:
            return _NOTHING
        form = _form(environ)
        session, cart = self._session(environ)
        with self._lock:
            carts.ACTIONS[action](cart, form)
            if len(self._carts) >= _MOST_SESSIONS and session not in self._carts:
                self._carts.pop(next(iter(self._carts)))
            self._carts[session] = cart
        headers = [("Location", "/cart"), ("Set-Cookie", f"session={session}; Path=/; HttpOnly; SameSite=Lax")]
        return 303, _TEXT, "", headers

    def _order(self, environ):
        form = _form(environ)
        session, cart = self._session(environ)
        orders.place(cart, form)
        with self._lock:
            self._carts.pop(session, None)
        return 303, _TEXT, "", [("Location", "/cart")]

    def _session(self, environ) -> tuple[str, carts.Cart]:
        cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get("session")
        session = cookie.value if cookie else uuid.uuid4().hex
        with self._lock:
            return session, self._carts.get(session) or carts.Cart()

    def _page(self, title: str, body: str) -> str:
        return pages.page(title, body, self._about["version"], self._about["environment"])


def _form(environ) -> dict[str, str]:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), _LONGEST_FORM)
    return dict(parse_qsl(environ["wsgi.input"].read(length).decode()))
