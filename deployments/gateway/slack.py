"""What people do in Slack, through Bolt: each action, view and command to the one core of decisions.

A decision is on the ledger before Slack gets its 200. What follows (the message that shows the name, a
private answer) is done right after, and again by the pump if this process dies first: the delivery counts
as handled only then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from starlette.responses import Response

from deployments.gateway.loop import said
from deployments.gateway.slack_answers import Answers
from deployments.gateway.slack_feedback import Feedback
from deployments.gateway.slack_parts import Splitting
from deployments.gateway.slack_removing import Removing
from deployments.gateway.slack_requests import Requesting
from deployments.gateway.slack_review import Reviewing
from deployments.gateway.slack_rollback import RollingBack
from deployments.gateway.slack_signing import Signing
from integrations.errors import IntegrationError
from integrations.ledger import Ledger
from integrations.settings import settings
from tasks import people

log = logging.getLogger(__name__)


class SlackListener:
    """Dispatches verified deliveries; `poke` tells the sender that a wake-up is pending."""

    def __init__(self, ledger: Ledger, poke: Callable[[], None]) -> None:
        self._answers = Answers(ledger, poke)
        self._app = _bolt()
        for listener in (Signing, Removing, Feedback, Reviewing, Requesting, Splitting, RollingBack):
            listener(self._answers).listen(self._app)
        self._app.event("message")(self._ignore)
        self._app.event("subteam_members_changed")(self._groups)
        self._app.error(_failed)
        self._answers.later(_read_groups)

    def dispatch(self, delivery: int, headers: Mapping[str, str], body: bytes) -> Response:
        """Let Bolt route the delivery; 500 if it could not be decided now, the pump then tries again."""
        bolt_headers: dict[str, str | Sequence[str]] = {name: [value] for name, value in headers.items()}
        request = BoltRequest(body=body.decode(), headers=bolt_headers, context={"delivery": delivery})
        answer = self._app.dispatch(request)
        if answer.status == 404:  # nobody listens: recorded, and nothing more to do
            self._answers.done(delivery, "nobody listens to it")
            return Response(status_code=200)
        return Response(answer.body or "", status_code=answer.status, headers=answer.first_headers())

    def _groups(self, ack: Ack, context: BoltContext) -> None:
        """Who is in a user group changed, so a role may have: Slack is asked, and tells again if we fail."""
        changed = people.read_groups()
        ack()
        self._answers.done(context["delivery"], " ".join(changed) or "no role changed")

    def _ignore(self, ack: Ack, context: BoltContext) -> None:
        ack()
        self._answers.done(context["delivery"], "ignored")


def _read_groups() -> None:
    """What changed while no gateway was there to be told; `reconcile` looks again every few minutes."""
    try:
        people.read_groups()
    except IntegrationError as error:
        log.warning("user groups: %s", error)


def _failed(error: Exception, context: BoltContext) -> BoltResponse:
    """Nothing was decided: the person sees that it failed, and the pump dispatches it again."""
    log.warning("Slack delivery %s: %s", context.get("delivery"), said(error))
    return BoltResponse(status=500)


def _bolt() -> App:
    """Bolt without its own verification (done on the raw body) and without `auth.test` on each request."""
    reached = settings().slack
    token = reached.bot_token.get_secret_value()

    def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token)

    client = WebClient(token, base_url=reached.api_url, timeout=int(reached.timeout_s), retry_handlers=[])
    return App(
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        token_verification_enabled=False,
        raise_error_for_unhandled_request=False,
    )
