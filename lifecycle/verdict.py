"""What every `may_*` rule answers: all the reasons against, not only the first."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel


class Verdict(BaseModel, frozen=True):
    """Allowed when nothing speaks against it. A rule that says no never raises, it gives reasons.

    `until` is the moment at which time alone takes all the reasons away; None where it does not, or
    nobody knows.
    """

    reasons: tuple[str, ...] = ()
    until: AwareDatetime | None = None

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def together(*verdicts: Verdict) -> Verdict:
    """All reasons of all of them, each once; `until` when the last one ends, if each of them has an end."""
    against = [verdict for verdict in verdicts if not verdict.allowed]
    ends = [verdict.until for verdict in against]
    known = [end for end in ends if end is not None]
    reasons = dict.fromkeys(reason for verdict in against for reason in verdict.reasons)
    return Verdict(reasons=tuple(reasons), until=max(known) if known and len(known) == len(ends) else None)
