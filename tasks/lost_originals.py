"""An original that was deleted from Jira while others are merged into it: the team is told once.

Who asked stays on the ledger with the duplicates, which are closed; a person decides which of
them stands on its own again.
"""

from __future__ import annotations

from prefect import task

from integrations.errors import NotFound
from integrations.slack import blocks as b
from lifecycle import merging, requests
from tasks import posts
from tasks.backlog import request_of, state_of
from tasks.context import jira, policy
from tasks.effects import RETRY
from tasks.posts import Content
from tasks.review_decisions import project_id


@task(task_run_name="is {key} gone, with its duplicates", **RETRY)
def tell(key: str) -> str:
    """Tell the planning channel, once, if `key` is gone and others are merged into it; "" if not."""
    duplicates = merged_into(key)
    if not duplicates or _is_there(key):
        return ""
    stream = requests.stream(key)
    posts.post.fn(key, policy().review.channel, _content(key, duplicates), _post_key(key), subject=stream)
    return f"{key} is gone from Jira, and {', '.join(duplicates)} merged into it"


def merged_into(key: str) -> tuple[str, ...]:
    """The requests that `key` stands for; none if it is of no project, or a duplicate itself."""
    project = project_id(key)
    return merging.duplicates_of(state_of(project).merges, key) if project else ()


def untold() -> dict[str, tuple[str, ...]]:
    """Originals that are gone with nobody told yet, and their duplicates. Asks Jira for each original."""
    found: dict[str, tuple[str, ...]] = {}
    for project in policy().projects:
        merges = state_of(project.id).merges
        for key in dict.fromkeys(merging.original_of(merges, k) for k in merges.originals):
            if posts.posted(_post_key(key)) is None and not _is_there(key):
                found[key] = merging.duplicates_of(merges, key)
    return found


def _is_there(key: str) -> bool:
    try:
        jira().issue(key)
    except NotFound:
        return False
    return True


def _post_key(key: str) -> str:
    return f"{requests.stream(key)}:gone"


def _content(key: str, duplicates: tuple[str, ...]) -> Content:
    received = request_of(key).received
    title = f" “{received[0].title}”" if received else ""
    text = f"{key}{title} was deleted in Jira. Merged into it, and closed: {', '.join(duplicates)}."
    rows = [
        b.section(f"🗑️ {b.escape(text)} Who asked is on record; take back what shall stand on its own."),
        *(_duplicate(each) for each in duplicates),
    ]
    return Content(text=b.escape(text), blocks=b.fit(rows))


def _duplicate(key: str) -> b.Block:
    received = request_of(key).received
    names = ", ".join(b.escape(each.requester.called) for each in received) or "somebody"
    title = b.escape(received[0].title) if received else ""
    return b.section(
        f"• *{b.link(jira().browse_url(key), key)}* {title} · asked for by {names}",
        accessory=b.button("Take back", "request.unmerge", key),
    )
