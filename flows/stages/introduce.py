"""The release introduces itself: one message in the channel that goes along with it to the end."""

from __future__ import annotations

from tasks import posts, release_messages
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def introduce(walk: ReleaseWalk) -> Wait | None:
    """Post the release's own message, once; every walk keeps it true."""
    key = release_messages.card_key(walk.subject)
    if not walk.done(key):
        content = release_messages.card(walk.release, walk.project, "")
        posts.post(f"{walk.title} is planned", walk.project.channel, content, key, subject=walk.subject)
    return None
