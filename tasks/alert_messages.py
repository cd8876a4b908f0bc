"""What a release's thread says of its alerts: each once when it is raised, and once when it is over."""

from __future__ import annotations

import logging

from integrations.errors import IntegrationError
from integrations.slack import blocks as b
from lifecycle.calendar import duration_text
from lifecycle.events import AlertRaised, AlertReceived, AlertRecovered
from lifecycle.policy import Policy, Project
from lifecycle.release import Release
from tasks import graphs, posts, release_messages
from tasks.effects import done
from tasks.posts import Content

log = logging.getLogger(__name__)

Alert = AlertRaised | AlertRecovered


def tell(subject: str, release: Release, project: Project, policy: Policy) -> None:
    """Say in the release's thread what is on the ledger and was not said. A repeat is silent.

    First the words of all, then the pictures: what refuses a picture must not keep back an alert.
    """
    root = posts.posted(release_messages.card_key(subject))
    channel, thread = (root.channel_id, root.ts) if root else (project.channel, None)
    alerts = (*release.alerts_raised, *release.alerts_recovered)
    said = [(_key(subject, alert), _words(subject, release, alert, project, policy)) for alert in alerts]
    said += [(_key(subject, alert), _received(alert)) for alert in release.alerts_received]
    for key, content in said:
        if done(key) is None:
            posts.post.fn("", channel, content, key, subject=subject, thread_ts=thread)
    for alert in alerts:
        key = f"{_key(subject, alert)}:graph"
        if done(key) is None:
            title = f"{project.name} {release.plan.version}: {_headline(alert)}"
            graph = graphs.of_watch(title, release, policy.watch.rules, alert.at)
            try:
                graphs.attach(graph, channel, key, subject=subject, thread_ts=thread)
            except IntegrationError as error:
                log.warning("no graph of %s: %s", alert.cause, error)


def _key(subject: str, alert: Alert | AlertReceived) -> str:
    """The key of the message of one fact; the attempt is part of what tells alerts apart."""
    return f"{alert.key(subject)}:told"


def _headline(alert: Alert) -> str:
    return f"{alert.cause} {'is bad' if isinstance(alert, AlertRaised) else 'has recovered'}"


def _words(subject: str, release: Release, alert: Alert, project: Project, policy: Policy) -> Content:
    icon = "🚨" if isinstance(alert, AlertRaised) else "💚"
    title = f"{project.name} {release.plan.version}: {_headline(alert)}"
    lines = [b.escape(alert.reason), f"since {alert.at:%Y-%m-%d %H:%M:%S} UTC{_lasted(release, alert)}"]
    path = next((probe.path for probe in policy.watch.probes if probe.name == alert.cause), None)
    asked = [] if path is None else [b.link(project.production_url.rstrip("/") + path, "what was asked")]
    links = [*asked, *release_messages.history(subject)]
    return release_messages.news(icon, title, [*lines, " · ".join(links)])


def _lasted(release: Release, alert: Alert) -> str:
    if isinstance(alert, AlertRaised):
        return ""
    began = next(
        one.at for one in release.alerts_raised if (one.cause, one.number) == (alert.cause, alert.number)
    )
    return f", after {duration_text(alert.at - began)}"


def _received(alert: AlertReceived) -> Content:
    icon = "🚨" if alert.status == "firing" else "💚"
    lines = [b.escape(alert.summary)] if alert.summary else []
    lines.append(f"since {alert.starts_at:%Y-%m-%d %H:%M:%S} UTC")
    if alert.url:
        lines.append(b.link(alert.url, "in Prometheus"))
    severity = f" ({alert.severity})" if alert.severity else ""
    return release_messages.news(icon, f"Alertmanager: {alert.name} is {alert.status}{severity}", lines)
