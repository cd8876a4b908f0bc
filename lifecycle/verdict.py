"""What every `may_*` rule answers: all the reasons against, not only the first."""

from pydantic import BaseModel


class Verdict(BaseModel, frozen=True):
    """Allowed when nothing speaks against it. A rule that says no never raises, it gives reasons."""

    reasons: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons
