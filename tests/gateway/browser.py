"""A headless Chromium that is driven as a person would: look at the page, click with the mouse, type.

Spoken through the Chrome DevTools Protocol: https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from deployments.demo.waiting import eventually
from integrations.sandbox.http import LOOPBACK

WIDTH, HEIGHT = 1200, 900
_WITHIN_S = 30

_FIND = """
(selector, text) => [...document.querySelectorAll(selector)].find((one) => one.innerText.includes(text))
"""
_AIM = f"""
(selector, text) => {{
  const found = ({_FIND})(selector, text);
  if (!found) return null;
  found.scrollIntoView({{ block: "center" }});
  const box = found.getBoundingClientRect();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  return found.contains(document.elementFromPoint(x, y)) ? [x, y] : null;
}}
"""


def chromium() -> str | None:
    """Where the browser is; None on a machine without one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """A Chromium of its own with an empty profile in `home`, until `stop`. `program` is its executable."""

    def __init__(self, home: Path, program: str) -> None:
        self._tabs: list[Tab] = []
        with (home / "chromium.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                    *("--no-first-run", "--no-proxy-server", "--hide-scrollbars", "--lang=en-GB"),
                    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                    *("--disable-extensions", "--disable-default-apps", "--mute-audio"),
                    *("--remote-debugging-port=0", f"--user-data-dir={home / 'profile'}", "about:blank"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(home), "TZ": "UTC"},
                start_new_session=True,
            )
        try:
            self._port = eventually("Chromium listens", lambda: self._listening(home), 60)
        except BaseException:
            self.stop()
            raise

    def _listening(self, home: Path) -> str | None:
        assert self._process.poll() is None, (home / "chromium.log").read_text()
        told = home / "profile" / "DevToolsActivePort"
        lines = told.read_text().splitlines() if told.exists() else []
        return lines[0] if len(lines) > 1 else None

    def open(self, url: str) -> Tab:
        """A new tab that shows `url`."""
        made = httpx.put(f"http://127.0.0.1:{self._port}/json/new?about:blank", timeout=30, **LOOPBACK)
        told = made.raise_for_status().json()
        tab = Tab(told["webSocketDebuggerUrl"], told["id"])
        self._tabs.append(tab)
        tab.go(url)
        return tab

    def leave(self) -> None:
        """Close all tabs: a page that is open goes on looking for news."""
        for tab in self._tabs:
            tab.close()
            httpx.get(f"http://127.0.0.1:{self._port}/json/close/{tab.id}", timeout=30, **LOOPBACK)
        self._tabs.clear()

    def stop(self) -> None:
        """End it with all its processes."""
        for tab in self._tabs:
            tab.close()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Tab:
    """One page, as somebody sees it. What is waited for raises TooLate if it does not come."""

    def __init__(self, address: str, id_: str) -> None:
        self.id = id_
        self._socket = connect(address, max_size=None, ping_interval=None, proxy=None)
        self._numbers = count(1)
        self.size(WIDTH, HEIGHT)

    def size(self, width: int, height: int) -> None:
        """How large the window is."""
        about = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", about)

    def go(self, url: str) -> None:
        """Open an address, and return when the page is there and its script has had its first look."""
        self.script("window.before = true")
        failed = self._call("Page.navigate", {"url": url}).get("errorText")
        assert not failed, f"{url}: {failed}"
        self.until("the page is there", "!window.before && document.readyState === 'complete'")
        # The sandbox's page fetches itself anew at once; what is clicked before that is replaced.
        self.until(
            "it is drawn", "!document.querySelector('#main')?.shown === !document.querySelector('#main')"
        )

    def script(self, expression: str) -> Any:
        """What `expression` is on the page."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self._call("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, what: str, expression: str) -> Any:
        """Wait until `expression` is true on the page; what it is."""
        return eventually(what, lambda: self.script(expression) or None, _WITHIN_S)

    def text(self, selector: str = "body") -> str:
        """What is read there, all places together."""
        one = (
            f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.innerText).join('\\n')"
        )
        return str(self.script(one))

    def shows(self, text: str, selector: str = "body") -> None:
        """Wait until `text` is read there."""
        eventually(f"the page shows {text!r}", lambda: text in self.text(selector), _WITHIN_S)

    def click(self, selector: str, text: str = "") -> None:
        """Click with the mouse on the first such element that says `text`, once it can be hit."""
        aim = f"({_AIM})({json.dumps(selector)}, {json.dumps(text)})"
        x, y = self.until(f"{selector} {text!r} can be clicked", aim)
        for kind in ("mousePressed", "mouseReleased"):
            at = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self._call("Input.dispatchMouseEvent", at)

    def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.click(selector)
        self._call("Input.insertText", {"text": text})

    def picture(self, path: Path) -> None:
        """What the window shows, as a PNG."""
        # The mouse is out of the way, and nothing is drawn as if it were under it.
        self._call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 0, "y": 0})
        taken = self._call("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(base64.b64decode(taken["data"]))

    def close(self) -> None:
        """Leave it."""
        self._socket.close()

    def _call(self, method: str, params: Mapping[str, object]) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_WITHIN_S))
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
