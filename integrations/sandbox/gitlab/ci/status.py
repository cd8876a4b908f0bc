"""How statuses combine, as GitLab does it.

Source: `lib/gitlab/ci/status/composite.rb` and `app/services/ci/process_build_service.rb` of gitlabhq.
"""

from __future__ import annotations

from collections.abc import Iterable

#: A job or pipeline with one of these does not change by itself any more.
COMPLETED = frozenset({"success", "failed", "canceled", "skipped"})

_TEXT = {"success": "passed", "waiting_for_resource": "waiting"}
_PASSED = {"success", "skipped", "success_with_warnings", "ignored"}


def composite(jobs: Iterable[tuple[str, bool]], *, of_needs: bool = False) -> str:
    """One status for several jobs, each given as (status, allow_failure); `success` for none at all.

    `of_needs`: the question is whether a job that needs them may start; then one that is skipped, or
    still waits for a person, skips it.
    """
    seen = {_described(status, allow_failure) for status, allow_failure in jobs}
    if of_needs and seen & {"skipped", "ignored"}:
        return "skipped"
    if not seen:
        return "success"
    rules: tuple[tuple[str, set[str]], ...] = (
        ("skipped", {"skipped", "ignored"}),
        ("success", _PASSED),
        ("created", {"created", "success_with_warnings", "ignored"}),
        ("canceled", _PASSED | {"canceled"}),
        ("pending", {"pending", "created", "skipped", "success_with_warnings", "ignored"}),
    )
    for status, only in rules:
        if seen <= only:
            return status
    for status, any_of in (
        ("running", {"running", "pending"}),
        ("waiting_for_resource", {"waiting_for_resource"}),
        ("manual", {"manual"}),
        ("running", {"created"}),
    ):
        if seen & any_of:
            return status
    return "failed"


def _described(status: str, allow_failure: bool) -> str:
    if allow_failure and status in ("failed", "canceled"):
        return "success_with_warnings"
    if allow_failure and status == "manual":
        return "ignored"
    return status


def starts(when: str, before: str, *, by_needs: bool) -> bool:
    """Whether a job with this `when` starts when what came before ended as `before`; else skip it."""
    if when == "always":
        return before in ("success", "failed", "skipped")
    if when == "on_failure":
        return before == "failed"
    return before == "success" or (before == "skipped" and not by_needs)


def label(status: str) -> str:
    """The word people see."""
    return _TEXT.get(status, status)


def detailed(status: str, path: str) -> dict[str, object]:
    """The API's `detailed_status` of a pipeline at `path`."""
    return {
        "icon": f"status_{status}",
        "text": label(status),
        "label": label(status),
        "group": status,
        "tooltip": label(status),
        "has_details": True,
        "details_path": path,
        "illustration": None,
        "favicon": f"/assets/ci_favicons/favicon_status_{status}.png",
    }
