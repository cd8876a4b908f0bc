"""Who is let in, and what bad requests are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from integrations.sandbox.http import LOOPBACK

if TYPE_CHECKING:
    from conftest import World


def ask(world: World, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{world.url}{path}", headers=headers, **LOOPBACK)


@pytest.mark.parametrize("headers", [{}, {"PRIVATE-TOKEN": "wrong"}, {"Authorization": "Bearer wrong"}])
def test_no_token_or_a_wrong_one_is_401_in_gitlabs_shape(world: World, headers: dict[str, str]) -> None:
    answer = ask(world, "/api/v4/user", **headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_an_unknown_path_is_404_in_gitlabs_shape(world: World) -> None:
    answer = ask(world, "/api/v4/nonsense", **{"PRIVATE-TOKEN": "token-may"})
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})
    answer = ask(world, "/api/v4/projects/1/nonsense", **{"PRIVATE-TOKEN": "token-may"})
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


def test_who_is_not_a_member_does_not_see_the_project(world: World) -> None:
    answer = ask(world, "/api/v4/projects/1", **{"PRIVATE-TOKEN": "token-out"})
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_reporter_may_not_write(world: World) -> None:
    with httpx.Client(headers={"PRIVATE-TOKEN": "token-rep"}, **LOOPBACK) as client:
        made = client.post(
            f"{world.url}/api/v4/projects/1/repository/branches", json={"branch": "x", "ref": "main"}
        )
        assert made.status_code == 403
        assert client.get(f"{world.url}/api/v4/projects/1/repository/branches/x").status_code == 404


@pytest.mark.parametrize("name", ["1", "shop%2Fshop"])
def test_a_project_is_found_by_its_number_and_by_its_path(world: World, name: str) -> None:
    answer = ask(world, f"/api/v4/projects/{name}", Authorization="Bearer token-dev")
    assert answer.json()["path_with_namespace"] == "shop/shop"
    assert answer.json()["id"] == 1


def test_the_token_tells_who_acts(world: World) -> None:
    me: dict[str, Any] = ask(world, "/api/v4/user", **{"PRIVATE-TOKEN": "token-dev"}).json()
    assert (me["id"], me["username"], me["email"]) == (102, "dev", "dev@example.test")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"[1]", "The request body must be a JSON object"),
        (b"{}", "branch is missing, ref is missing"),
        (b'{"branch": "", "ref": "main"}', "branch is empty"),
        (b'{"branch": {"a": 1}, "ref": "main"}', "branch is invalid"),
    ],
)
def test_a_body_that_does_not_fit_is_400_and_does_nothing(
    world: World, dev: httpx.Client, body: bytes, error: str
) -> None:
    answer = dev.post("repository/branches", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert world.bare("branch", "--list", "--format=%(refname:short)") == "main"


@pytest.mark.parametrize("query", ["page=0", "per_page=0", "page=x", "per_page=-1"])
def test_a_page_that_cannot_be_is_400(dev: httpx.Client, query: str) -> None:
    assert dev.get(f"repository/branches?{query}").status_code == 400
