"""`conveyor release ...`: where releases stand, and deciding at the command line."""

from __future__ import annotations

import pytest

from lifecycle import events as e
from tests.cli.world import PLAN, SHA, Cli, asked, until_qa

STREAM = "release:shop:1.4.0"


@pytest.fixture
def at_qa(cli: Cli) -> Cli:
    cli.record(STREAM, *until_qa())
    return cli


# What cannot be.


def test_a_decision_by_nobody_in_the_people_file_is_refused_with_3(at_qa: Cli) -> None:
    said = at_qa.run("release", "approve", "1.4.0", "qa", "SHOP-3", "--as", "mallory")
    assert (said.code, said.out) == (3, "")
    assert "people file" in said.err
    assert "SignOffGiven" not in at_qa.kinds(STREAM)


def test_the_author_is_refused_with_the_reason(at_qa: Cli) -> None:
    at_qa.policy.write_text(at_qa.policy.read_text().replace("- developer", "- qa", 1))
    said = at_qa.run("release", "approve", "1.4.0", "qa", "SHOP-3", "--as", "dora")
    assert said.code == 3
    assert said.err == "conveyor: Not signed: you wrote part of candidate 1.\n"


def test_a_refusal_as_json_is_on_stdout_and_still_ends_with_3(at_qa: Cli) -> None:
    said = at_qa.run("release", "resume", "1.4.0", "--as", "mara", "--json")
    assert said.code == 3
    assert said.json["accepted"] is False
    assert said.err == ""


def test_an_unknown_release_is_a_wrong_name(at_qa: Cli) -> None:
    for command in (("show", "9.9.9"), ("hold", "9.9.9", "--reason", "x", "--as", "mara")):
        said = at_qa.run("release", *command)
        assert said.code == 2
        assert "no release 9.9.9" in said.err


def test_a_version_that_two_projects_have_must_be_named_with_its_project(at_qa: Cli) -> None:
    at_qa.record("release:kiosk:1.4.0", PLAN.model_copy(update={"project": "kiosk"}))
    said = at_qa.run("release", "show", "1.4.0")
    assert said.code == 2
    assert "release:kiosk:1.4.0, release:shop:1.4.0" in said.err
    assert at_qa.run("release", "show", "shop:1.4.0").code == 0
    assert at_qa.run("release", "show", "1.4.0", "--project", "shop").code == 0


def test_of_several_open_sign_offs_one_must_be_named(at_qa: Cli) -> None:
    said = at_qa.run("release", "approve", "1.4.0", "--as", "quinn")
    assert said.code == 2
    assert "qa SHOP-3, qa SHOP-4" in said.err


def test_a_step_that_is_not_open_is_held(at_qa: Cli) -> None:
    said = at_qa.run("release", "approve", "1.4.0", "approval", "--as", "gerd")
    assert said.code == 3
    assert "no sign-off of 1.4.0 approval is open now (Sign-off)" in said.err


# Deciding.


def test_approving_one_issue_records_it_through_this_door_and_wakes_the_release(at_qa: Cli) -> None:
    said = at_qa.run("release", "approve", "1.4.0", "qa", "SHOP-3", "--as", "quinn", "--comment", "fine")
    assert (said.code, said.out, said.err) == (0, "Signed as qa.\n", "")
    given = at_qa.ledger.events(STREAM)[-1]
    assert (given.data["request"], given.data["person"], given.data["door"]) == ("r3", "quinn", "cli")
    assert at_qa.ledger.wakeup(STREAM).pending


def test_a_request_id_is_enough(at_qa: Cli) -> None:
    assert at_qa.run("release", "approve", "r4", "--as", "quentin").code == 0
    assert at_qa.ledger.events(STREAM)[-1].data["request"] == "r4"


def test_the_last_open_sign_off_needs_no_name(at_qa: Cli) -> None:
    at_qa.run(
        "release", "return", "1.4.0", "qa", "SHOP-4", "--reason", "teapot is not found", "--as", "quinn"
    )
    assert at_qa.run("release", "approve", "1.4.0", "--as", "quinn").code == 0
    assert at_qa.ledger.events(STREAM)[-1].data["request"] == "r3"


def test_the_same_decision_twice_is_recorded_once(at_qa: Cli) -> None:
    command = ("release", "approve", "r3", "--as", "quinn", "--json")
    assert [at_qa.run(*command).json["repeated"] for _ in range(2)] == [False, True]
    assert at_qa.kinds(STREAM).count("SignOffGiven") == 1


def test_the_person_may_come_from_the_environment(at_qa: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVEYOR_PERSON", "quinn")
    assert at_qa.run("release", "approve", "r3").code == 0
    assert at_qa.ledger.events(STREAM)[-1].data["person"] == "quinn"


@pytest.mark.parametrize(
    ("verbs", "kind"),
    [
        ((("hold", "--reason", "the fair"),), "Held"),
        ((("hold", "--reason", "the fair"), ("resume",)), "Resumed"),
        ((("abandon", "--reason", "no"),), "Abandoned"),
        ((("candidate",),), "CandidateAsked"),
    ],
)
def test_each_verb_records_its_fact(at_qa: Cli, verbs: tuple[tuple[str, ...], ...], kind: str) -> None:
    for verb, *options in verbs:
        assert at_qa.run("release", verb, "1.4.0", *options, "--as", "mara").code == 0
    assert at_qa.kinds(STREAM)[-1] == kind


# Looking.


def test_no_releases_is_said_beside_the_result(cli: Cli) -> None:
    said = cli.run("release", "list")
    assert (said.code, said.out) == (0, "")
    assert "no open releases" in said.err
    assert cli.run("release", "list", "--json").json == []


def test_the_list_says_for_whom_each_release_waits_and_since_when(at_qa: Cli) -> None:
    head, row = at_qa.run("release", "list").out.splitlines()
    assert head.split("\t") == ["RELEASE", "PHASE", "WAITS FOR", "SINCE (UTC)"]
    release, phase, waiting, since = row.split("\t")
    assert (release, phase, since) == ("shop:1.4.0", "Sign-off", "2026-10-01 10:03:00")
    assert waiting == "QA of SHOP-3 lacks 1 qa; QA of SHOP-4 lacks 1 qa (qa: quinn, quentin)"


def test_ended_releases_are_listed_when_asked_for(at_qa: Cli) -> None:
    at_qa.record(STREAM, e.Abandoned(person="mara", reason="no"))
    assert at_qa.run("release", "list", "--json").json == []
    [ended] = at_qa.run("release", "list", "--all", "--json").json
    assert (ended["release"], ended["phase"], ended["waiting"]) == ("shop:1.4.0", "Abandoned", "")


def returned() -> e.Returned:
    return e.Returned(
        request="r4", step="qa", issue="SHOP-4", person="quinn", reason="teapot is not found", door="slack"
    )


def production() -> tuple[e.ReleaseEvent, ...]:
    return (e.ProductionStarted(number=1, tag="1.4.0", sha=SHA, previous_tag="1.3.0", previous_sha="b" * 40),)


@pytest.mark.parametrize(
    ("more", "waiting"),
    [
        ((e.Held(round=1, person="mara", reason="the fair"),), "held: the fair"),
        ((returned(),), "rework of SHOP-4: teapot is not found"),
        (
            (e.StepPassed(step="qa", number=1), asked("check", None, "c1")),
            "Manager's check of staging lacks 1 manager (manager: mara)",
        ),
        (
            (e.StepPassed(step="qa", number=1),),
            "Manager's check of staging was not asked for yet (manager: mara)",
        ),
        (production(), "the production deployment"),
    ],
)
def test_what_a_release_waits_for_is_said_in_every_phase(
    at_qa: Cli, more: tuple[e.ReleaseEvent, ...], waiting: str
) -> None:
    at_qa.record(STREAM, *more)
    [listed] = at_qa.run("release", "list", "--json").json
    assert listed["waiting"] == waiting


def test_a_signature_is_taken_back_also_after_its_step_has_passed(at_qa: Cli) -> None:
    for request in ("r3", "r4"):
        at_qa.run("release", "approve", request, "--as", "quinn")
    at_qa.record(STREAM, e.StepPassed(step="qa", number=1))
    said = at_qa.run("release", "withdraw", "1.4.0", "qa", "SHOP-3", "--as", "quinn")
    assert (said.code, said.out) == (0, "Your signature is withdrawn.\n")
    assert at_qa.run("release", "withdraw", "1.4.0", "qa", "SHOP-3", "--as", "quinn").code == 3
    assert at_qa.kinds(STREAM)[-1] == "SignOffWithdrawn"


def test_an_override_is_refused_to_whom_the_policy_does_not_name(at_qa: Cli) -> None:
    said = at_qa.run("release", "override", "1.4.0", "qa", "--reason", "now", "--as", "olli")
    assert said.code == 3
    assert "nobody: the policy names no role under break_glass" in said.err
    at_qa.policy.write_text(at_qa.policy.read_text() + "\nbreak_glass: [release]\n")
    assert at_qa.run("release", "override", "1.4.0", "qa", "--reason", "now", "--as", "olli").code == 0
    assert at_qa.kinds(STREAM)[-1] == "StepOverridden"


def test_a_release_waits_for_the_time_that_was_set(at_qa: Cli) -> None:
    said = at_qa.run(
        "release", "time", "1.4.0", "2026-12-01 22:00", "--zone", "Europe/Berlin", "--as", "mara"
    )
    assert said.out == "The release goes out at 2026-12-01 22:00 Europe/Berlin, once it is approved.\n"
    steps = ("qa", "check", "client", "approval")
    at_qa.record(STREAM, *(e.StepPassed(step=step, number=1) for step in steps))
    assert (
        at_qa.run("release", "list", "--json").json[0]["waiting"]
        == "its time, 2026-12-01 22:00 Europe/Berlin"
    )


def test_a_rejected_candidate_waits_for_what_it_lacked(cli: Cli) -> None:
    rejected = e.CandidateRejected(number=1, pipeline_id=7, reasons=("there is no test report",))
    cli.record(STREAM, *until_qa()[:2], rejected)
    assert cli.run("release", "list", "--json").json[0]["waiting"] == "rework: there is no test report"


def test_show_tells_the_story_in_order(at_qa: Cli) -> None:
    at_qa.run("release", "approve", "r3", "--as", "quinn")
    lines = at_qa.run("release", "show", "1.4.0").out.splitlines()
    assert lines[0].startswith("shop:1.4.0: Sign-off, waits for QA of SHOP-4 lacks 1 qa")
    assert lines[1] == "  SHOP-3  Gift wrap"
    told = [line.split("\t")[1] for line in lines[4:]]
    assert told[0] == "planned with SHOP-3, SHOP-4"
    assert told[-1] == "quinn signed SHOP-3 as qa (by cli)"
    assert len(told) == len(at_qa.ledger.events(STREAM))


def test_show_as_json_holds_the_state_and_every_fact(at_qa: Cli) -> None:
    shown = at_qa.run("release", "show", "1.4.0", "--json").json
    assert (shown["candidate"], shown["issues"]) == ("1.4.0-rc.1", ["SHOP-3", "SHOP-4"])
    assert [told["kind"] for told in shown["story"]] == at_qa.kinds(STREAM)


def test_what_others_wrote_cannot_paint_the_terminal(cli: Cli) -> None:
    title = "Gift\x1b[2J\x9b31m wrap \u202eesrever"
    cli.record(STREAM, PLAN.model_copy(update={"titles": {"SHOP-3": title}}))
    assert cli.run("release", "show", "1.4.0").out.splitlines()[1] == "  SHOP-3  Gift[2J31m wrap esrever"
    assert cli.run("release", "show", "1.4.0", "--json").out.isascii()
