"""Slack's mrkdwn as safe HTML.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping

#: What an emoji is drawn as: a sign that every font has, and its tone. Emoji fonts are not everywhere.
_SIGNS = {
    ("white_check_mark", "✅"): ("✔", "ok"),
    ("heavy_check_mark", "✔"): ("✔", "ok"),
    ("x", "❌"): ("✖", "bad"),
    ("no_entry", "⛔"): ("✖", "bad"),
    ("warning", "⚠"): ("⚠", "warn"),
    ("rotating_light", "🚨"): ("⚠", "bad"),
    ("fire", "🔥"): ("⚡", "bad"),
    ("bug", "🐛"): ("✱", "bad"),
    ("rocket", "🚀"): ("➤", "info"),
    ("ship", "🚢"): ("➤", "info"),
    ("tada", "🎉"): ("★", "warn"),
    ("star", "⭐"): ("★", "warn"),
    ("hourglass", "⌛"): ("◔", "info"),
    ("hourglass_flowing_sand", "⏳"): ("◔", "info"),
    ("clock3", "🕒"): ("◔", "info"),
    ("bell", "🔔"): ("♪", "warn"),
    ("eyes", "👀"): ("◉", "info"),
    ("mag", "🔍"): ("◉", "info"),
    ("lock", "🔒"): ("■", "warn"),
    ("unlock", "🔓"): ("□", "ok"),
    ("thumbsup", "👍"): ("▲", "ok"),
    ("thumbsdown", "👎"): ("▼", "bad"),
    ("memo", "📝"): ("✎", "info"),
    ("calendar", "📅"): ("▦", "info"),
    ("package", "📦"): ("▣", "info"),
    ("bar_chart", "📊"): ("▤", "info"),
    ("speech_balloon", "💬"): ("✉", "info"),
    ("leftwards_arrow_with_hook", "↩"): ("↩", "warn"),
    ("rewind", "⏪"): ("↩", "warn"),
    ("construction", "🚧"): ("⚒", "warn"),
    ("large_green_circle", "🟢"): ("●", "ok"),
    ("large_yellow_circle", "🟡"): ("●", "warn"),
    ("red_circle", "🔴"): ("●", "bad"),
    ("white_circle", "⚪"): ("○", "info"),
}
_EMOJI_OF = {name: sign for names, sign in _SIGNS.items() for name in names}

_FENCE = re.compile(r"```(.*?)```", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_ANGLE = re.compile(r"<([^<>]+)>")
_EMOJI = re.compile(f":([a-z0-9_+-]+):|([{''.join(character for _, character in _SIGNS)}])\ufe0f?")
_KEPT = re.compile("\x00(\\d+)\x00")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
)


def to_html(text: str, names: Mapping[str, str]) -> str:
    """`text` as HTML. `names` maps user and channel ids to what is shown for a mention."""
    kept: list[str] = []

    def keep(markup: str) -> str:
        kept.append(markup)
        return f"\x00{len(kept) - 1}\x00"

    text = text.replace("\x00", "")
    text = _FENCE.sub(lambda m: keep(f"<pre>{_escaped(m[1].strip(chr(10)))}</pre>"), text)
    text = _CODE.sub(lambda m: keep(f"<code>{_escaped(m[1])}</code>"), text)
    text = _ANGLE.sub(lambda m: keep(_angle(m[1], names)), text)
    text = _escaped(text)
    for pattern, markup in _STYLES:
        text = pattern.sub(markup, text)
    text = _EMOJI.sub(_drawn, text)
    text = _lines(text)
    while _KEPT.search(text):
        text = _KEPT.sub(lambda m: kept[int(m[1])], text)
    return text


def plain_to_html(text: str) -> str:
    """Plain text as HTML, with its :emoji:."""
    return _EMOJI.sub(_drawn, html.escape(text.replace("\x00", ""))).replace("\n", "<br>")


def _escaped(text: str) -> str:
    """Slack's three entities stay what they mean; everything else is made harmless."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return html.escape(text)


def _drawn(found: re.Match[str]) -> str:
    if (name := found[1] or found[2]) not in _EMOJI_OF:
        return found[0]
    sign, tone = _EMOJI_OF[name]
    return f'<span class="emoji {tone}" title="{name}">{sign}</span>'


def _angle(inner: str, names: Mapping[str, str]) -> str:
    target, _, label = inner.partition("|")
    if target.startswith(("@", "#")):
        shown = label or names.get(target[1:], target[1:])
        return f'<span class="mention">{target[0]}{html.escape(shown)}</span>'
    if target.startswith("!date^"):  # Slack shows it in the reader's own time zone
        return f"<time>{html.escape(html.unescape(label))}</time>"
    if target.startswith("!"):
        word = label or target[1:].split("^")[0]
        return f'<span class="mention">@{html.escape(word)}</span>'
    if not target.startswith(("http://", "https://", "mailto:")):
        return html.escape(f"<{inner}>")
    href, shown = html.escape(html.unescape(target)), html.escape(html.unescape(label or target))
    return f'<a href="{href}" target="_blank" rel="noreferrer noopener">{shown}</a>'


def _lines(text: str) -> str:
    """Lines that begin with > are a quotation, with • or - a list; the others end with a break."""
    groups: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        kind, shown = _kind(line)
        if not groups or groups[-1][0] != kind:
            groups.append((kind, []))
        groups[-1][1].append(shown)
    return "".join(_WRAP[kind](lines) for kind, lines in groups)


def _kind(line: str) -> tuple[str, str]:
    if line.startswith("&gt;"):
        return "quote", line[4:].lstrip()
    if line.lstrip().startswith(("• ", "- ")):
        return "list", line.lstrip()[2:]
    return "text", line


_WRAP: Mapping[str, Callable[[list[str]], str]] = {
    "quote": lambda lines: f"<blockquote>{'<br>'.join(lines)}</blockquote>",
    "list": lambda lines: f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>",
    "text": "<br>".join,
}
