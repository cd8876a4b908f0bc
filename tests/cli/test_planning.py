"""`conveyor requests ...` and `conveyor review ...`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lifecycle import backlog, planning, review
from lifecycle.requests import AlikeFound, Door, Received, Requester
from lifecycle.review_agenda import Agenda, Answer, LeftOver
from lifecycle.scoring import Request, RequestSource, Weights
from lifecycle.throughput import Capacity
from tests.cli.world import START, Cli, Team

REVIEW = "review:shop:2026-W40"


def received(key: str, title: str, door: Door, name: str, minutes: int = 0) -> Received:
    return Received(
        issue=key,
        origin=f"{door.value}:{key}",
        door=door,
        source=RequestSource.CLIENT,
        title=title,
        requester=Requester(name=name),
        at=START + timedelta(minutes=minutes),
    )


def proposed(week: str, *keys: str) -> review.Proposed:
    found = [
        Request(key=key, title=f"Wish {key}", source=RequestSource.CLIENT, created=START) for key in keys
    ]
    plan = planning.propose(found, 3, START, Weights(), "1.4.0")
    return review.Proposed(proposal=f"p-{week}", plan=plan, open=len(keys), due=START + timedelta(days=2))


def test_no_requests_is_said_beside_the_result(cli: Cli) -> None:
    said = cli.run("requests", "list")
    assert (said.code, said.out, said.err) == (0, "", "no requests yet\n")


def test_requests_are_listed_in_the_order_they_came_with_who_asked_and_what_became_of_them(cli: Cli) -> None:
    cli.record("request:SHOP-9", received("SHOP-9", "Wrap it as a gift", Door.SLACK, "Gerd", minutes=1))
    cli.record("request:SHOP-10", received("SHOP-10", "Gift wrapping", Door.GITLAB, "Dora", minutes=5))
    alike = AlikeFound(request="a1", issue="SHOP-10", other="SHOP-9", title="Wrap it as a gift", score=0.7)
    cli.record("request:SHOP-10", alike)
    merged = backlog.Merged(issue="SHOP-10", into="SHOP-9", round=1, person="mara", door="cli")
    cli.record("project:shop", merged)
    head, first, second = cli.run("requests", "list").out.splitlines()
    assert head.split("\t")[0] == "KEY"
    assert first.split("\t") == ["SHOP-9", "Wrap it as a gift", "slack", "client", "Gerd", "", ""]
    assert second.split("\t") == ["SHOP-10", "Gift wrapping", "gitlab", "client", "Dora", "SHOP-9", "SHOP-9"]
    assert [row["key"] for row in cli.run("requests", "list", "--json").json] == ["SHOP-9", "SHOP-10"]


def test_similar_ranks_the_earlier_open_requests(shop: Cli, team: Team) -> None:
    same, _, key = (team.issue(t) for t in ("Dark theme for the pages", "Pay by invoice", "A dark theme"))
    [found] = shop.run("requests", "similar", key, "--json").json
    assert (found["key"], found["title"]) == (same, "Dark theme for the pages")
    assert 0 < found["score"] <= 1
    assert shop.run("requests", "similar", key).out.splitlines()[1].startswith(f"{same}\t")


def test_similar_to_an_issue_that_is_not_there_is_a_wrong_name(shop: Cli) -> None:
    assert shop.run("requests", "similar", "SHOP-4711").code == 2
    assert shop.run("requests", "similar", "KIOSK-1").code == 2


def test_an_unknown_review_is_a_wrong_name(cli: Cli) -> None:
    assert cli.run("review", "show").code == 2
    cli.record(REVIEW, proposed("40", "SHOP-1"))
    said = cli.run("review", "show", "2026-W41")
    assert said.code == 2
    assert "no review 2026-W41" in said.err
    assert "the next is due 20" in cli.run("review", "show").err


def test_a_review_is_started_once_and_says_where_to_look(cli: Cli) -> None:
    first = cli.run("review", "start", "--json").json
    stream = first["subject"]
    assert (first["accepted"], first["repeated"]) == (True, False)
    assert "C0PLANNING" in first["message"]
    assert cli.ledger.wakeup(stream).pending
    assert cli.ledger.revision(stream) == 0
    again = cli.run("review", "start", "--project", "shop").out
    assert "is there already" in again
    assert cli.run("review", "start", "--project", "other").code == 2


def test_a_review_that_has_its_proposal_is_not_woken_again(cli: Cli) -> None:
    stream = cli.run("review", "start", "--json").json["subject"]
    cli.record(stream, proposed("now", "SHOP-1"))
    before = cli.ledger.wakeup(stream).wanted
    assert cli.run("review", "start", "--json").json["repeated"] is True
    assert cli.ledger.wakeup(stream).wanted == before


@pytest.fixture
def reviews(cli: Cli) -> Cli:
    cli.record("review:shop:2026-W39", proposed("39", "SHOP-1"))
    cli.record(REVIEW, proposed("40", "SHOP-1", "SHOP-2"))
    return cli


def test_the_newest_review_is_shown_with_what_fits_and_what_not(reviews: Cli) -> None:
    lines = reviews.run("review", "show").out.splitlines()
    assert lines[0] == "review:shop:2026-W40: 1.4.0, 3 of 3 points, open, due 2026-10-03 10:00 UTC"
    assert lines[1] == "  still to take part: lead, product"
    table = lines[next(n for n, line in enumerate(lines) if line.startswith("ISSUE\t")) + 1 :]
    rows = {line.split("\t")[0]: line.split("\t")[1] for line in table}
    assert rows == {"SHOP-1": "accept", "SHOP-2": "defer"}
    assert len(reviews.run("review", "show", "2026-W39", "--json").json["plan"]["lines"]) == 1


def test_the_whole_agenda_is_shown_and_is_in_the_json(cli: Cli) -> None:
    start = proposed("41", "SHOP-1", "SHOP-2")
    agenda = Agenda(
        sources={"SHOP-1": RequestSource.CLIENT},
        questions=("SHOP-1",),
        alike=(AlikeFound(request="r", issue="SHOP-2", other="SHOP-1", title="Wish", score=0.83),),
        left_over=(LeftOver(issue="SHOP-7", title="Old wish", version="1.3.0"),),
        answers=(Answer(issue="SHOP-5", version="1.3.0", answer="not", score=2, comment="slow"),),
        capacity=Capacity(low=2, likely=3, high=5, periods=8),
    )
    asked = review.ReviewDeputyAsked(person="mara", deputy="emil")
    cli.record("review:shop:2026-W41", start.model_copy(update={"agenda": agenda, "open": 9}), asked)
    said = cli.run("review", "show").out
    for part in (
        "capacity 2 – 3 – 5 points (low – likely – high of the last 8 weeks)",
        "emil may take part as the deputy of mara",
        "to be answered before the closing: SHOP-1",
        "wave 1: SHOP-1",
        "alike (83%): SHOP-2 and SHOP-1 Wish",
        "left over from 1.3.0: SHOP-7 Old wish",
        "feedback on SHOP-5 in 1.3.0: not (2 of 5): slow",
        "7 more open requests scored less and have no line",
        "\tclient\tWish SHOP-1\t",
    ):
        assert part in said
    told = cli.run("review", "show", "--json").json
    assert told["agenda"]["capacity"]["high"] == 5
    assert (told["deputies"], told["still_to_take_part"]) == ({"mara": "emil"}, ["lead", "product"])


def test_closing_is_refused_until_every_role_took_part(reviews: Cli) -> None:
    said = reviews.run("review", "close", "--as", "olli")
    assert said.code == 3
    assert said.err == "conveyor: Not closed: nobody has taken part as product.\n"


def test_closing_is_recorded_once_and_wakes_the_review(reviews: Cli) -> None:
    decided = review.LineDecided(
        line="p-40.x",
        round=1,
        issue="SHOP-1",
        decision=planning.Decision.REJECT,
        reason="not ours",
        person="olli",
        door="slack",
    )
    reviews.record(REVIEW, decided)
    assert reviews.run("review", "close", "2026-W40", "--as", "mara").code == 0
    assert reviews.run("review", "close", "--as", "mara", "--json").json["repeated"] is True
    assert reviews.kinds(REVIEW)[-1] == "ReviewClosed"
    assert reviews.ledger.wakeup(REVIEW).pending
    assert "closed by mara" in reviews.run("review", "show").out
