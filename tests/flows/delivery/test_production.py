"""Production gets exactly the signed commit; what is half done is resumed, what is another's stops it."""

from __future__ import annotations

from typing import Any

from flows.stages.production import release_to_production, tell_everybody
from lifecycle.release import Phase

Shop = Any


def version_of(stream: str) -> str:
    return stream.split(":")[2]


def test_a_tag_of_that_name_on_another_commit_stops_everything(shop: Shop) -> None:
    stream = shop.signed()
    version = version_of(stream)
    shop.tag(version, shop.first)
    for _ in range(2):
        walk = shop.walk(stream, release_to_production, tell_everybody)
        assert walk.waiting.name == "Needs a person"
        assert f"stands at {shop.first}, not at {shop.second}" in walk.waiting.message
    assert (shop.serves(), shop.pipelines(version)) == (shop.first, 0)
    assert shop.release(stream).phase is Phase.PRODUCTION
    # A person takes it away: the release goes on where it was.
    shop.untag(version)
    walk = shop.walk_on(stream, release_to_production)
    assert (walk.phase, shop.serves(), shop.sha_of(version)) == (Phase.WATCHING, shop.second, shop.second)


def test_a_gitlab_release_of_that_name_on_another_tag_stops_everything(shop: Shop) -> None:
    stream = shop.signed()
    version = version_of(stream)
    shop.tag(f"{version}-old", shop.first)
    body = {"tag_name": f"{version}-old", "name": version, "description": ""}
    shop.api.post("releases", json=body).raise_for_status()
    walk = shop.walk(stream, release_to_production)
    assert walk.waiting.name == "Needs a person"
    assert f"hangs on the tag {version}-old, not on {version}" in walk.waiting.message
    assert (shop.serves(), shop.pipelines(version)) == (shop.first, 0)


def test_a_tag_that_was_moved_after_it_was_cut_is_not_deployed(shop: Shop) -> None:
    stream = shop.signed()
    version = version_of(stream)
    shop.fail("POST .*/pipeline$", "400")
    assert shop.walk(stream, release_to_production).waiting.name == "Needs a person"
    assert shop.sha_of(version) == shop.second
    shop.untag(version)
    shop.tag(version, shop.first)
    walk = shop.walk(stream, release_to_production)
    assert walk.waiting.name == "Needs a person"
    assert (shop.serves(), shop.pipelines(version)) == (shop.first, 0)


def test_a_tag_and_a_gitlab_release_at_the_same_commit_are_taken_as_they_are(shop: Shop) -> None:
    key = shop.issue("Gift wrap")
    stream = shop.signed(key)
    version = version_of(stream)
    shop.tag(version, shop.second)
    body = {"tag_name": version, "name": version, "description": "By hand"}
    shop.api.post("releases", json=body).raise_for_status()
    walk = shop.walk_on(stream, release_to_production, tell_everybody)
    assert (walk.phase, shop.serves(), shop.pipelines(version)) == (Phase.WATCHING, shop.second, 1)
    release = shop.api.get(f"releases/{version}").json()
    links = {link["name"]: link["url"] for link in release["assets"]["links"]}
    assert links == {"Verifying pipeline": "http://gitlab.example/pipelines/1"}
    assert release["description"] == "By hand"
    assert shop.status(key) == "Released"


def test_what_was_cut_short_anywhere_is_resumed_and_nothing_is_made_twice(shop: Shop) -> None:
    key = shop.issue("Search")
    stream = shop.signed(key)
    version = version_of(stream)
    for broken in ("repository/tags", "pipeline", "releases", "assets/links"):
        shop.fail(f"POST .*/{broken}$", "drop_after")
    walk = shop.walk_on(stream, release_to_production, tell_everybody)
    assert walk.waiting is None
    assert (walk.phase, shop.serves(), shop.pipelines(version)) == (Phase.WATCHING, shop.second, 1)
    release = shop.api.get(f"releases/{version}").json()
    assert (release["commit"]["id"], len(release["assets"]["links"])) == (shop.second, 1)
    assert shop.said().count(f'"text":"Shop {version} is live"') == 1
