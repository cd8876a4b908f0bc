"""The message of a sign-off and its modal, rendered: for one issue, for forty, for four hundred."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from integrations.sandbox.slack.kit import checked_message, checked_view
from integrations.slack import blocks as b
from lifecycle import events as e
from lifecycle import scope_changes
from lifecycle.metrics import CommitFact
from lifecycle.policy import Policy
from lifecycle.requests import Requester
from lifecycle.scope import ScopeLine
from tasks.signoff_messages import PAGE, Asking, message, page, subject_of
from tests.lifecycle.story import NOW, Story, policy, policy_data, sha

SIZES = (1, 40, 400)
LONG = {"title": "Ünwieldy & <long> " * 14, "reason": "it breaks & <how> " * 150}


def nobody(_: str) -> Sequence[Requester]:
    return ()


def keys(how_many: int) -> tuple[str, ...]:
    return tuple(f"SHOP-{n}" for n in range(1, how_many + 1))


def story(*issues: str, using: Policy | None = None, **cut: Any) -> Story:
    titles = {key: f"Wish {key}" for key in issues}
    return Story(*issues, using=using, titles=titles).cut(**cut).stage().ask("qa")


def requests(told: Story) -> dict[str, str]:
    """What was asked of QA, by the issue: read once, for a story adds itself up anew each time."""
    return {ask.issue: ask.request for ask in told.release.asked if ask.issue and ask.step == "qa"}


def signed(told: Story, *issues: str) -> Story:
    """Quinn signs these issues."""
    asked = requests(told)
    return told.tell(*(told.signature("quinn", asked[key], "qa") for key in issues))


def asking(
    told: Story,
    step: str = "qa",
    number: int = 1,
    asked_by: Callable[[str], Sequence[Requester]] = nobody,
) -> Asking:
    return Asking(told.release, told.policy.projects[0], told.step(step), told.policy, number, asked_by)


def words(blocks: Sequence[Mapping[str, Any]]) -> str:
    """Everything that can be read, a line for each part."""
    said: list[str] = []
    for block in blocks:
        for part in (block.get("text"), *block.get("elements", [])):
            if isinstance(part, dict):
                inner = part["text"]
                said.append(inner["text"] if isinstance(inner, dict) else inner)
    return "\n".join(said)


def buttons(blocks: Sequence[Mapping[str, Any]], action_id: str) -> list[str]:
    """The values of all buttons of that action."""
    return [
        element["value"]
        for block in blocks
        for element in block.get("elements", [])
        if element.get("action_id") == action_id
    ]


def rendered(about: Asking) -> list[dict[str, Any]]:
    """The message's blocks, after Slack's checks of them."""
    blocks = message(about).blocks
    assert b.fits(blocks)
    return checked_message(blocks, _ids())


def _ids() -> Callable[[str], str]:
    numbers = count()
    return lambda prefix: f"{prefix}{next(numbers)}"


def shown(about: Asking, number: int, viewer: str | None) -> list[dict[str, Any]]:
    """A page of the modal, after Slack's checks of it."""
    person = about.policy.person(viewer) if viewer else None
    view = b.modal("Issues", page(about, number, person), callback_id="c")
    return checked_view(view, _ids())["blocks"]


def test_the_message_names_all_that_a_signer_has_to_know() -> None:
    commits = [CommitFact(sha=sha(n), authored_at=NOW) for n in (7, 8)]
    told = story(
        "SHOP-1",
        commits=tuple(commits),
        since="1.3.0",
        authors=("dora",),
        strangers=("x&y@example.test",),
        files=("db/migrations/`1`.sql", "shop/cart.py"),
        files_total=3,
    )
    text = words(rendered(asking(told)))
    assert "QA: Shop 1.4.0-rc.1" in text
    assert "On <http://staging.example|staging> runs commit `00000000`. Its pipeline is green" in text
    assert "Since `1.3.0` in production: 2 commits by Dora, x&amp;y@example.test, 3 files changed." in text
    assert "⚠️ 1 migration: `db/migrations/'1'.sql`" in text
    assert "⏳ waiting for 1 qa: Quinn or Quentin" in text
    assert "SHOP-1|Wish SHOP-1>" in text
    assert "2026-10-18 10:00 UTC" in text


def test_the_pipeline_is_linked_where_its_address_is_known() -> None:
    told = Story("SHOP-1").cut()
    told.tell(e.CandidateVerified(number=1, pipeline_id=1, url="http://gitlab.example/pipelines/1"))
    told.tell(e.Staged(number=1, sha=sha(1), url="http://staging.example", pipeline_id=2)).ask("qa")
    assert "Its <http://gitlab.example/pipelines/1|pipeline> is green" in words(rendered(asking(told)))


def test_of_an_old_candidate_without_files_only_the_commits_are_told() -> None:
    told = story("SHOP-1", commits=(CommitFact(sha=sha(7), authored_at=NOW),), authors=())
    assert "Since the version in production: 1 commit.\n" in words(rendered(asking(told))) + "\n"


def test_before_the_first_version_in_production_there_is_no_delta() -> None:
    assert "in production" not in words(rendered(asking(story("SHOP-1"))))


def test_which_files_are_migrations_is_the_policy_s_to_say() -> None:
    [project] = policy_data()["projects"]
    ours = policy(projects=[{**project, "migrations": ["sql/*"]}])
    told = story("SHOP-1", using=ours, files=("sql/1", "db/migrations/1"), files_total=2)
    assert "⚠️ 1 migration: `sql/1`" in words(rendered(asking(told)))


def test_who_asked_for_an_issue_is_named_strangers_by_what_is_known() -> None:
    people = (Requester(person="dora", name="An old name"), Requester(name="Zoë <x>"), Requester(slack="U8"))
    told = story("SHOP-1")
    text = words(rendered(asking(told, asked_by=lambda key: people if key == "SHOP-1" else ())))
    assert "asked for by Dora, Zoë &lt;x&gt;, U8 in Slack" in text


def test_if_nobody_of_the_role_may_sign_the_message_says_so() -> None:
    told = story("SHOP-1", authors=("quinn", "quentin"))
    assert "waiting for 1 qa: nobody of that role may sign it" in words(rendered(asking(told)))


def test_who_signed_and_who_returned_stands_under_the_issue() -> None:
    told = story("SHOP-1", "SHOP-2")
    told.sign("quinn", told.request("qa", "SHOP-1"))
    told.send_back("quentin", told.request("qa", "SHOP-2"), "the <ribbon>")
    blocks = rendered(asking(told))
    assert "✅ signed by Quinn as qa" in words(blocks)
    assert "↩️ returned by Quentin: the &lt;ribbon&gt;" in words(blocks)
    assert buttons(blocks, "signoff.approve") == []


def test_what_was_not_signed_in_time_says_so_and_has_no_buttons() -> None:
    told = story("SHOP-1", "SHOP-2")
    asked = requests(told)
    told.tell(e.SignOffExpired(request=asked["SHOP-1"]))
    blocks = rendered(asking(told))
    assert "⌛ not signed in time" in words(blocks)
    assert buttons(blocks, "signoff.approve") == [asked["SHOP-2"]]


def test_the_form_of_a_return_says_what_it_is_about() -> None:
    told = story("SHOP-1", "SHOP-2").ask("check")
    qa, check = asking(told), asking(told, "check")
    assert "*SHOP-2*" in subject_of(qa, requests(told)["SHOP-2"])
    assert "Wish SHOP-2" in subject_of(qa, requests(told)["SHOP-2"])
    whole = next(ask.request for ask in told.release.asked if ask.step == "check")
    assert subject_of(check, whole).startswith("*The release as a whole*\nCheck: ")


def test_a_superseded_candidate_has_no_buttons() -> None:
    told = story(*keys(60))
    told.send_back("quinn", told.request("qa", "SHOP-2")).cut().stage().ask("qa")
    old = rendered(asking(told, number=1))
    assert [block for block in old if block["type"] == "actions"] == []
    assert "no longer asked about" in words(old)
    assert buttons(rendered(asking(told, number=2)), "signoff.all")


def test_what_changed_since_the_last_candidate_is_named() -> None:
    told = story("SHOP-1", "SHOP-2", digests={"SHOP-1": "a", "SHOP-2": "a"})
    told.send_back("quinn", told.request("qa", "SHOP-2"))
    told.cut({"SHOP-1": "a", "SHOP-2": "b"}).stage().ask("qa")
    assert "Changed since `1.4.0-rc.1`: SHOP-2." in words(rendered(asking(told, number=2)))


def test_one_answer_for_all_issues_is_asked_below_the_list_of_them() -> None:
    told = story("SHOP-1", "SHOP-2")
    signed(told, "SHOP-1", "SHOP-2")
    told.conclude("qa").ask("check")
    asked_by = {"SHOP-2": (Requester(name="Zoe"),)}
    blocks = rendered(asking(told, "check", asked_by=lambda key: asked_by.get(key, ())))
    text = words(blocks)
    assert text.index("Wish SHOP-2> · asked for by Zoe") < text.index("*The release as a whole*")
    assert buttons(blocks, "signoff.approve") == [told.request("check")]


def test_few_issues_are_all_shown_and_need_no_modal() -> None:
    blocks = rendered(asking(story(*keys(10))))
    assert len(buttons(blocks, "signoff.approve")) == 10
    assert buttons(blocks, "signoff.all") == []


@pytest.mark.parametrize("size", SIZES[1:])
def test_of_many_issues_those_that_wait_are_shown_first_and_all_are_counted(size: int) -> None:
    told = story(*keys(size))
    signed(told, *keys(size)[:30])
    told.send_back("quentin", told.request("qa", "SHOP-31"))
    blocks = rendered(asking(told))
    text = words(blocks)
    assert f"⏳ {size - 31} waiting · ↩️ 1 returned · ✅ 30 signed\nsigned by Quinn 30" in text
    waiting = list(requests(told).values())[31:]
    seen = buttons(blocks, "signoff.approve")
    assert seen == waiting[: len(seen)]
    assert len(seen) >= min(len(waiting), 10)
    assert f"All {size} issues" in text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", ["qa", "check"])
def test_slack_takes_the_message_and_every_page_however_long_everything_is(size: int, step: str) -> None:
    issues = keys(size)
    told = Story(*issues, titles=dict.fromkeys(issues, LONG["title"])).cut(
        authors=(),
        strangers=tuple(f"{n}-{'x' * 60}@example.test" for n in range(50)),
        files=tuple(f"migrations/{n}/{'y' * 300}" for n in range(500)),
        files_total=9_999,
    )
    told.stage().ask("qa")
    if step == "check":
        signed(told, *issues)
        told.tell(e.StepPassed(step="qa", number=1)).ask("check")
    else:
        told.send_back("quinn", told.request("qa", issues[0]), LONG["reason"])
    crowd = [Requester(name="Zoë & <friends> " * 15)] * 9
    about = asking(told, step, asked_by=lambda _: crowd)
    assert len(rendered(about)) <= 50
    texts = [words(shown(about, number, "quinn")) for number in range(-(-size // PAGE))]
    assert [key for key in issues if not any(f"*{key}*" in text for text in texts)] == []


def test_the_pages_hold_every_issue_once_in_the_plan_s_order() -> None:
    told = story(*keys(400))
    pages = [shown(asking(told), number, "quinn") for number in range(10)]
    found = [value for blocks in pages for value in buttons(blocks, "signoff.approve")]
    assert found == list(requests(told).values())
    assert len(found) == 400
    assert "41 to 80 of 400" in words(pages[1])


def test_next_and_previous_lead_through_the_pages_and_not_beyond() -> None:
    about = asking(story(*keys(400)))
    ways = [
        (buttons(blocks, "signoff.page.previous"), buttons(blocks, "signoff.page.next"))
        for blocks in (shown(about, number, "quinn") for number in (0, 1, 9, 99, -5))
    ]
    assert ways == [([], ["1"]), (["0"], ["2"]), (["8"], []), (["8"], []), ([], ["1"])]


def test_one_page_has_nowhere_to_lead() -> None:
    blocks = shown(asking(story("SHOP-1")), 0, "quinn")
    assert buttons(blocks, "signoff.page.next") == buttons(blocks, "signoff.page.previous") == []


@pytest.mark.parametrize(
    ("viewer", "may_sign", "may_return"),
    [("quinn", True, True), ("quentin", False, True), ("mara", False, False), (None, False, False)],
)
def test_the_modal_has_the_buttons_of_what_its_viewer_may_do(
    viewer: str | None, *, may_sign: bool, may_return: bool
) -> None:
    told = story("SHOP-1", authors=("quentin",))
    blocks = shown(asking(told), 0, viewer)
    assert bool(buttons(blocks, "signoff.approve")) is may_sign
    assert bool(buttons(blocks, "signoff.return")) is may_return


def test_what_is_signed_needs_no_more_signature_in_the_modal_but_may_still_be_returned() -> None:
    told = story("SHOP-1", "SHOP-2")
    told.sign("quinn", told.request("qa", "SHOP-1"))
    blocks = shown(asking(told), 0, "quentin")
    assert buttons(blocks, "signoff.approve") == [told.request("qa", "SHOP-2")]
    assert len(buttons(blocks, "signoff.return")) == 2


def test_once_production_has_started_nobody_is_asked_any_more() -> None:
    told = story("SHOP-1")
    told.sign("quinn", told.request("qa", "SHOP-1")).conclude("qa").sign_all().start_production()
    assert buttons(rendered(asking(told)), "signoff.approve") == []
    assert buttons(shown(asking(told), 0, "quinn"), "signoff.return") == []


def test_an_abandoned_release_still_says_what_was_lacking() -> None:
    told = story("SHOP-1").tell(e.Abandoned(person="mara", reason="no need"))
    blocks = rendered(asking(told))
    assert "waiting for 1 qa\n" in words(blocks)
    assert buttons(blocks, "signoff.approve") == []


def test_the_same_facts_read_the_same() -> None:
    one, other = (message(asking(story(*keys(40)))) for _ in range(2))
    assert one == other
    assert datetime.now(UTC).strftime("%Y-%m-%d") not in one.model_dump_json()


def test_what_expired_says_so_and_has_no_buttons() -> None:
    told = story("SHOP-1")
    request = requests(told)["SHOP-1"]
    blocks = rendered(asking(told.tell(e.SignOffExpired(request=request))))
    assert "⌛ not signed in time; a new candidate has to be asked about" in words(blocks)
    assert buttons(blocks, "signoff.approve") == []


def test_an_override_stands_in_the_place_of_the_buttons() -> None:
    told = story("SHOP-1").tell(
        e.StepOverridden(
            step="qa", number=1, person="olli", role="release", reason="the shop is <down>", door="cli"
        )
    )
    blocks = rendered(asking(told))
    assert "🚨 overridden by Olli (release): the shop is &lt;down&gt;" in words(blocks)
    assert buttons(blocks, "signoff.approve") == []


def test_a_deputy_is_named_among_those_who_may_sign_and_with_whom_they_stood_in_for() -> None:
    told = story("SHOP-1").tell(e.DeputyAsked(step="qa", number=1, person="quinn", deputy="olli"))
    assert "1 qa: Quinn or Quentin or Olli" in words(rendered(asking(told)))
    request = requests(told)["SHOP-1"]
    told.tell(told.signature("olli", request, "qa").model_copy(update={"instead_of": "quinn"}))
    assert "✅ signed by Olli as qa for Quinn" in words(rendered(asking(told)))


def test_after_a_change_of_scope_the_message_has_no_buttons_and_says_so() -> None:
    told = signed(story("SHOP-1", "SHOP-2"), "SHOP-1")
    assert buttons(rendered(asking(told)), "signoff.approve")
    change = scope_changes.asking(
        told.release,
        "release:shop:1.4.0",
        [ScopeLine(key="SHOP-7")],
        [],
        why="the client asked",
        person="olli",
        door="cli",
        due=NOW,
    )
    told.tell(change)
    assert buttons(rendered(asking(told)), "signoff.approve")  # only asked for
    issues = ("SHOP-1", "SHOP-2", "SHOP-7")
    told.tell(e.ScopeChanged(request=change.request, plan_hash=change.new_hash, issues=issues))
    said = rendered(asking(told))
    assert buttons(said, "signoff.approve") == []
    assert "The scope of the release was changed" in words(said)
    told.cut().stage().ask("qa")
    assert "A newer candidate is out" in words(rendered(asking(told)))


def test_the_rehearsed_way_back_is_measured_and_who_accepted_none_is_named() -> None:
    told = Story("SHOP-1").cut().stage()
    told.tell(e.Rehearsed(number=1, to_tag="1.3.0", back_s=2.04, forward_s=3.1, ok=True)).ask("qa")
    assert "Rehearsed: back to `1.3.0` in 2.0 s, forward in 3.1 s." in words(message(asking(told)).blocks)
    told = Story("SHOP-1").cut().stage().tell(e.Rehearsed(number=1, ok=False, reason="<0002> stays"))
    accepted = e.NoReturnAccepted(number=1, person="gerd", role="management", reason="a dump", door="cli")
    said = words(message(asking(told.tell(accepted).ask("qa"))).blocks)
    assert "Candidate 1 cannot come back: &lt;0002&gt; stays." in said
    assert "Gerd accepted as management (by cli) that it cannot come back: a dump." in said
