"""What reviewers make of a merge request. REST has no call for it: changes are requested by a quick action.

The webhook is that of newer versions (gitlab-org/gitlab merge request 246562); older ones sent none.
Source: https://docs.gitlab.com/user/project/quick_actions/
"""

from __future__ import annotations

from integrations.sandbox.gitlab import mr_events, payloads, shapes
from integrations.sandbox.gitlab.errors import bad_request
from integrations.sandbox.gitlab.routing import Call, Reply
from integrations.sandbox.gitlab.state import Fields, MergeRequest, Note, iso, now


def listed(call: Call, mr: MergeRequest) -> list[Fields]:
    """The API's reviewers."""
    return [
        {
            "user": shapes.user(call.instance, each),
            "state": mr.review_states.get(each, "unreviewed"),
            "created_at": iso(mr.created),
        }
        for each in mr.reviewers
    ]


def quick_action(call: Call, mr: MergeRequest, body: str) -> Reply | None:
    """Carry out a comment that is one of the two actions known here; None for any other comment."""
    word, _, name = body.strip().partition(" ")
    if word == "/request_changes" and not name:
        return _change(call, mr, call.user.id, "requested_changes", "requested changes")
    if word == "/request_review" and name.startswith("@"):
        asked = next((a.id for a in call.instance.accounts.values() if a.username == name[1:]), 0)
        return _change(call, mr, asked, "unreviewed", f"requested review from {name}")
    return None


def _change(call: Call, mr: MergeRequest, reviewer: int, state: str, said: str) -> Reply:
    if reviewer not in mr.reviewers or mr.state != "opened":
        raise bad_request("Note {:commands_only=>['Could not apply the command']}")
    before = payloads.reviewers(call.project, mr, mr.review_states)
    mr.review_states[reviewer] = state
    mr.approvals.pop(reviewer, None)
    mr.updated = now()
    mr.notes.append(Note(next(call.instance.ids), said, call.user.id, mr.updated, mr.updated, system=True))
    after = payloads.reviewers(call.project, mr, mr.review_states)
    changes = {"reviewers": {"previous": before, "current": after}}
    call.project.emit(
        "merge_requests", mr_events.event(call.project, call.user, mr, "update", changes=changes)
    )
    return Reply({"commands_changes": {}, "summary": [f"{said[0].upper()}{said[1:]}."]}, 202)
