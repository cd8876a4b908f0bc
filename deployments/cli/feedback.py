"""`conveyor feedback ...`: what people say of what went out, and entering what a client said elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deployments.cli import names, say
from deployments.cli.release import Release, report
from deployments.cli.say import Exit, Json, Person, ProjectName

if TYPE_CHECKING:
    from lifecycle.feedback import Figures, Theme
    from tasks.feedback_digest import Said

app = App(name="feedback", help="Feedback: what people say of what went out.")


@app.command
def show(
    release: Annotated[str, Parameter(help="A version (1.4.0); all releases if left out.")] = "",
    *,
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Show every answer that stands, how satisfied people are, and what several of them say.

    Example: `conveyor feedback show 1.4.0`
    """
    from lifecycle import feedback
    from tasks import feedback_digest, feedback_messages
    from tasks.context import ledger

    if release:
        streams = [names.release_stream(release, project)]
    else:
        streams = ledger().subjects(f"{names.PREFIX}{project}:" if project else names.PREFIX)
    releases = [names.release_at(stream) for stream in streams]
    given = [each for one in releases for each in one.answers]
    figures = feedback.measure([a for one in releases for a in one.feedback_asked], given)
    themes = feedback.themes(each.comment for each in given)
    said = [each for one in releases for each in feedback_digest.of_release(one, one.answers)]
    if json:
        say.dump(_facts(figures, themes, said))
        return
    say.out(feedback_messages.figures_text(figures))
    for line in feedback_messages.themes_text(themes):
        say.out(line)
    if said:
        columns = ("RELEASE", "ISSUE", "WHO", "ANSWER", "SCORE", "COMMENT", "REMARK")
        say.table(columns, (_row(each) for each in said))


def _row(each: Said) -> tuple[str, ...]:
    remarks = [f"entered by {each.entered_by}"] if each.entered_by else []
    remarks += ["late"] if each.late else []
    remarks += [f"goes on as {each.goes_on}"] if each.goes_on else []
    score = str(each.score or "")
    return (each.version, each.issue, each.who, each.answer, score, each.comment, ", ".join(remarks))


def _facts(figures: Figures, themes: tuple[Theme, ...], said: list[Said]) -> dict[str, object]:
    return {
        **figures.model_dump(),
        "answer_rate": figures.answer_rate,
        "solved_rate": figures.solved_rate,
        "themes": [theme._asdict() for theme in themes],
        "said": [each._asdict() for each in said],
    }


@app.command
def add(
    release: Release,
    issue: str,
    *,
    answer: str,
    client: Annotated[str, Parameter(name="--from", help="Who said it: their id in the policy, or a name.")],
    person: Person,
    score: int | None = None,
    comment: str = "",
    project: ProjectName = "",
    json: Json = False,
) -> None:
    """Record what a client said, in their name and yours. It never replaces an answer of their own.

    Example: `conveyor feedback add 1.4.0 SHOP-3 --answer partly --score 3 --from Clara --as mara`

    Parameters
    ----------
    issue:
        The key of the issue that they spoke of.
    answer:
        Whether it helped: solved, partly or not.
    score:
        From 1 to 5, if they gave one.
    comment:
        What they said, in their words.
    """
    if answer not in ("solved", "partly", "not"):
        raise say.Stop(Exit.USAGE, f"--answer is solved, partly or not, and not {answer}")
    stream = names.release_stream(release, project)
    with say.busy("Recording"):
        from tasks.decisions import Decision, decide

        key = issue.strip().upper()
        outcome = decide(
            Decision("client-said", stream, person, "cli", comment, answer, score, issue=key, client=client)
        )
    report(outcome, as_json=json)
