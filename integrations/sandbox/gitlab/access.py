"""Who asks: tokens in headers, tokens of jobs, and how often one may ask."""

from __future__ import annotations

import re
import time
from collections import defaultdict, deque
from dataclasses import dataclass

from starlette.requests import Request

from integrations.sandbox.gitlab.errors import Refusal, refuse
from integrations.sandbox.gitlab.instance import Instance
from integrations.sandbox.gitlab.state import Account

# What a CI_JOB_TOKEN is good for. Source: https://docs.gitlab.com/ci/jobs/ci_job_token/
_FOR_JOBS = re.compile(r"/job|/projects/[^/]+/(packages|releases|jobs/.+|environments|deployments)(/.*)?")


@dataclass(frozen=True)
class Asker:
    """The account that acts, and the job whose token it shows, if it is one."""

    account: Account
    job_id: int | None = None


def identify(instance: Instance, request: Request, path: str) -> Asker:
    """Whoever the request's token belongs to; 401 for none, a wrong one, or one not good for `path`.

    A deactivated account's is 403.
    """
    headers = request.headers
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    token = headers.get("private-token") or (bearer.strip() if scheme.lower() == "bearer" else "")
    token = token or request.query_params.get("private_token", "")
    account = instance.account(token)
    if account is not None:
        if not account.active:
            # Source: https://docs.gitlab.com/administration/moderate_users/#deactivate-a-user
            raise refuse(403, "403 Forbidden - Your account has been deactivated by your administrator.")
        return Asker(account)
    job_token = headers.get("job-token") or request.query_params.get("job_token", "")
    found = instance.job(job_token or token)
    if found is not None and _FOR_JOBS.fullmatch(path):
        project_id, job_id = found
        ci = instance.projects[project_id].ci
        user_id = ci.job_user(job_id) if ci else None
        if user_id is not None:
            return Asker(instance.accounts[user_id], job_id)
    raise refuse(401, "401 Unauthorized")


class Limit:
    """At most `per_minute` requests of one account within 60 s; None: as many as they like."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._asked: dict[int, deque[float]] = defaultdict(deque)

    def count(self, account: Account) -> dict[str, str]:
        """Count one request; the headers that tell how many are left.

        Raises:
            Refusal: 429, with `Retry-After` among its headers.
        """
        if self._per_minute is None:
            return {}
        moment, asked = time.monotonic(), self._asked[account.id]
        while asked and moment - asked[0] >= 60:
            asked.popleft()
        left = self._per_minute - len(asked)
        headers = {"RateLimit-Limit": str(self._per_minute), "RateLimit-Remaining": str(max(0, left - 1))}
        if left <= 0:
            wait_s = int(60 - (moment - asked[0])) + 1
            headers["Retry-After"] = str(wait_s)
            raise Refusal(429, {"message": {"error": "Too many requests"}}, headers)
        asked.append(moment)
        return headers
