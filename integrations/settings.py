"""How to reach things: read once per process from `CONVEYOR_*`, the only reader of secrets.

What is *allowed* is policy (`lifecycle.policy`), a reviewed YAML file; `CONVEYOR_POLICY` names it.
Secrets never become a flow parameter, a result or a log line.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _config(prefix: str) -> SettingsConfigDict:
    return SettingsConfigDict(env_prefix=prefix, env_file=".env", extra="ignore", frozen=True)


class JiraSettings(BaseSettings):
    """`CONVEYOR_JIRA_*`. `flavor` is asked of the server when left at "auto"."""

    model_config = _config("CONVEYOR_JIRA_")
    url: str = "http://127.0.0.1:7101"
    user: str = "bot@example.test"
    token: SecretStr = SecretStr("")
    flavor: Literal["auto", "cloud", "server"] = "auto"
    timeout_s: float = 10.0
    webhook_secret: SecretStr = SecretStr("")


class GitLabSettings(BaseSettings):
    """`CONVEYOR_GITLAB_*`. `webhook_token` is compared in constant time; `signing_token` is 19.0's."""

    model_config = _config("CONVEYOR_GITLAB_")
    url: str = "http://127.0.0.1:7102"
    token: SecretStr = SecretStr("")
    timeout_s: float = 10.0
    webhook_token: SecretStr = SecretStr("")
    signing_token: SecretStr = SecretStr("")


class SlackSettings(BaseSettings):
    """`CONVEYOR_SLACK_*`. `api_url` ends in `/api/`; with an `app_token` Slack comes over Socket Mode."""

    model_config = _config("CONVEYOR_SLACK_")
    api_url: str = "https://slack.com/api/"
    bot_token: SecretStr = SecretStr("")
    app_token: SecretStr = SecretStr("")
    signing_secret: SecretStr = SecretStr("")
    timeout_s: float = 10.0


class PrometheusSettings(BaseSettings):
    """`CONVEYOR_PROMETHEUS_*`. Without a `url` the watch has its HTTP probes only."""

    model_config = _config("CONVEYOR_PROMETHEUS_")
    url: str = ""
    token: SecretStr = SecretStr("")
    timeout_s: float = 5.0


class Settings(BaseSettings):
    """`CONVEYOR_*`: the ledger, the policy file, and where this process's own doors are."""

    model_config = _config("CONVEYOR_")
    home: Path = Path("var")
    ledger_url: str = ""
    policy: Path = Path("conveyor.yaml")
    gateway_host: str = "127.0.0.1"
    gateway_port: int = 7100
    public_url: str = "http://127.0.0.1:7100"
    link_secret: SecretStr = SecretStr("")
    requests_token: SecretStr = SecretStr("")
    alertmanager_token: SecretStr = SecretStr("")
    prefect_ui_url: str = ""
    slack_ui_url: str = ""
    jira: JiraSettings = Field(default_factory=JiraSettings)
    gitlab: GitLabSettings = Field(default_factory=GitLabSettings)
    slack: SlackSettings = Field(default_factory=SlackSettings)
    prometheus: PrometheusSettings = Field(default_factory=PrometheusSettings)

    @property
    def ledger(self) -> str:
        """SQLAlchemy URL of the ledger; embedded SQLite under `home` unless set."""
        return self.ledger_url or f"sqlite:///{(self.home / 'ledger.db').absolute()}"


@cache
def settings() -> Settings:
    """This process's settings. A test calls `settings.cache_clear()` after changing the environment."""
    return Settings()
