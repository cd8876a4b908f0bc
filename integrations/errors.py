"""What can go wrong outside, sorted by what the caller should do about it.

    IntegrationError
    ├── Transient        try again later; `retry_after_s` if the vendor said when
    └── Terminal         trying again the same way is no use
        ├── NotFound     the object is not there (or not for us)
        ├── Refused      no permission, bad credentials, or the input is wrong
        └── Conflict     the object stands in another state than the call needs

Every error is picklable and carries facts (vendor, operation, object, status), never a request's
headers or body: those hold secrets.
"""

from __future__ import annotations


class IntegrationError(Exception):
    """A call to `vendor` did not do what it promised."""

    def __init__(
        self,
        vendor: str,
        operation: str,
        object_id: str,
        status: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(vendor, operation, object_id, status, detail)
        self.vendor = vendor
        self.operation = operation
        self.object_id = object_id
        self.status = status
        self.detail = detail

    def __str__(self) -> str:
        said = [f"answered {self.status}"] if self.status is not None else []
        # What ended without an answer may have taken effect; what was refused here never left.
        said += ["no answer"] if self.status is None and isinstance(self, Transient) else []
        said += [f"({self.detail})"] if self.detail else []
        return f"{self.vendor}: {self.operation} {self.object_id}: {' '.join(said) or 'not done'}"


class Transient(IntegrationError):
    """No answer, or an answer that says "later": whether the call took effect is unknown.

    The caller looks first, then repeats. `retry_after_s` is the vendor's own word, if it gave one.
    """

    def __init__(
        self,
        vendor: str,
        operation: str,
        object_id: str,
        status: int | None = None,
        detail: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(vendor, operation, object_id, status, detail)
        self.args = (vendor, operation, object_id, status, detail, retry_after_s)
        self.retry_after_s = retry_after_s


class Terminal(IntegrationError):
    """The vendor answered, and the same call will be answered the same way."""


class NotFound(Terminal):
    """The object does not exist, or these credentials may not see it."""


class Refused(Terminal):
    """Not permitted, not authenticated, or the input is wrong; a person has to change something."""


class Conflict(Terminal):
    """The object stands in another state than the call needs; read it again, then decide."""


def from_status(
    vendor: str,
    operation: str,
    object_id: str,
    status: int | None,
    *,
    detail: str = "",
    retry_after_s: float | None = None,
) -> IntegrationError:
    """The error for an HTTP `status`; None means that no answer came.

    408, 425, 429 and 5xx are transient; 404 and 410 not found; 405, 409, 412 and 423 conflict;
    every other status is a refusal.
    """
    if status is None or status in (408, 425, 429) or status >= 500:
        return Transient(vendor, operation, object_id, status, detail, retry_after_s)
    if status in (404, 410):
        return NotFound(vendor, operation, object_id, status, detail)
    if status in (405, 409, 412, 423):
        return Conflict(vendor, operation, object_id, status, detail)
    return Refused(vendor, operation, object_id, status, detail)
