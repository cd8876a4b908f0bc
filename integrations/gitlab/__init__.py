"""GitLab: the port to its REST API v4 and the parsing of its webhooks.

    GitLabClient            what we ask of GitLab; one client per thread, never a flow's parameter
      .repository           branches, tags, commits, files, releases
      .merge_requests       merge requests and their notes
      .pipelines            pipelines, jobs, test results, traces, artifacts
      .environments         environments and GitLab deployments
      .issues               GitLab issues and their notes
    webhook                 verify, delivery_id, parse -> GitLabEvent

Everything that comes back is a frozen model of `models` or `events`. A project is named by its
numeric id everywhere (`GitLabClient.project_id` finds it, once, at the start).
"""

from integrations.gitlab.client import GitLabClient

__all__ = ["GitLabClient"]
