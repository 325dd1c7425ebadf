"""Every setting that Redress reads, in one place; nothing else reads the environment.

Each is an environment variable with the prefix ``REDRESS_``; an empty one counts as unset. `docs/settings.md` is
generated from this module, so a setting's description here is its documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.base.errors import Misconfigured


class Settings(BaseSettings):
    """What the operator may set. Values are checked when a program starts, never later."""

    model_config = SettingsConfigDict(env_prefix="REDRESS_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(
        default=Path(".redress"),
        description="Folder of `redress up`: embedded database, kept mail, credentials.",
    )
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL, as `postgresql://user:password@host/name` or with a Unix socket "
        "(`postgresql://user@/name?host=/run/postgresql`). Unset: `redress up` brings its own; other programs "
        "use the database of a running `redress up` in `REDRESS_HOME`.",
    )
    database_pool: int = Field(default=5, ge=1, le=100, description="Connections that one process keeps open.")
    events: str = Field(
        default="database",
        description="Where events travel: `database`, or `kafka://host:port,host:port`.",
    )
    topic_partitions: int = Field(
        default=12, ge=1, le=1000, description="Partitions of each Kafka topic that `redress topics ensure` creates."
    )
    topic_replication: int = Field(
        default=1, ge=1, le=9, description="Replicas of each Kafka topic that `redress topics ensure` creates."
    )
    shares: int = Field(
        default=4,
        ge=1,
        le=256,
        description="Into how many shares a reader group of the event log is split (the relay always; the workers "
        "with `REDRESS_EVENTS=database`), so that as many processes can work on it side by side. "
        "The same for all processes of a group; change it while they are stopped.",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="Key of the keyed hashes and of the customer's links; at least 32 characters, the same in all "
        "programs and kept for good. `redress up` makes its own; required otherwise.",
    )
    plan: Path | None = Field(
        default=None,
        description="The operator's `plan.yaml`. Unset: the one that ships with Redress.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Address under which customers reach the track pages; links in notices begin with it.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server: `smtp://user:password@host:587` (STARTTLS when offered) or `smtps://…`. "
        "Unset: mails are kept as files in `REDRESS_MAIL_DIR`.",
    )
    mail_from: str = Field(default="Redress <redress@localhost>", description="Sender of mails to customers.")
    mail_dir: Path | None = Field(
        default=None,
        description="Folder for mails where no mail server is set, and for those of drills anyway. "
        "Unset: `mail/` in `REDRESS_HOME`.",
    )
    mail_connections: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Connections to the mail server that one notifier keeps; not for files.",
    )
    mail_listen: str | None = Field(
        default=None,
        description="Where the notifier takes in mail (SMTP), as `host:port`: customers' answers and bounces, which "
        "the operator's mail server passes on. Unset: nowhere.",
    )
    mail_answers: str | None = Field(
        default=None,
        description="Address that answers to mails go to, for example `care@example.com`; the mail server passes what "
        "comes to it, and to `care+…@example.com`, on to `REDRESS_MAIL_LISTEN`. Unset: customers are asked not to "
        "answer mails.",
    )
    smpp_url: SecretStr | None = Field(
        default=None,
        description="Short message centre (SMPP 3.4): `smpp://system_id:password@host:2775`. Unset: no text messages, "
        "customers are told the next way.",
    )
    sms_sender: str = Field(
        default="10086", description="Number or name (11 characters at most) that text messages come from."
    )
    sms_per_second: int = Field(
        default=1000, ge=1, le=10_000, description="Text messages a second that one notifier sends at most."
    )
    sms_window: int = Field(
        default=64, ge=1, le=1000, description="Text messages that wait for the message centre's answer at once."
    )
    webhook_connections: int = Field(
        default=32, ge=1, le=500, description="Calls to channel front ends that one notifier makes at once."
    )
    webhook_networks: str = Field(
        default="",
        description="Networks inside which channel front ends may be called, as `10.1.0.0/16,127.0.0.1/32`. Other "
        "private, loopback and link-local addresses are refused.",
    )
    staff_alerts: Path | None = Field(
        default=None,
        description="File that says how staff are alerted (mail, WeCom, DingTalk, Feishu, Slack, Teams and others). "
        "Unset: in their inbox only.",
    )
    files_url: str | None = Field(
        default=None,
        description="Where files that customers send are kept: `file:///var/lib/redress/files` or "
        "`s3://bucket/prefix` (keys and endpoint from `AWS_…`). Unset: `files/` in `REDRESS_HOME`.",
    )
    scan_command: str | None = Field(
        default=None,
        description="Program that looks for malware: it is given a file on its standard input, and ends with 0 for a "
        "clean one, 1 for an infected one. Example: `clamdscan --no-summary -`. Unset: files are not scanned.",
    )
    batch_size: int = Field(default=200, ge=1, le=5000, description="Events that a worker takes at once.")
    poll_ms: int = Field(
        default=100, ge=5, le=10_000, description="Pause of a reader that found nothing, in milliseconds."
    )
    attempts: int = Field(
        default=5, ge=1, le=100, description="How often an event that fails is tried before it is parked."
    )
    intake_queue: int = Field(
        default=2000,
        ge=1,
        description="Complaints that may wait for the database in one intake process; beyond it the answer is 503.",
    )
    intake_writers: int = Field(
        default=2, ge=1, le=32, description="Database connections that one intake process writes complaints with."
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Where a worker or the relay serves `/metrics` and `/healthz`. Unset: nowhere. "
        "The two HTTP programs serve them on their own port.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address that `REDRESS_METRICS_PORT` listens on.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    log_format: Literal["text", "json"] = Field(default="text", description="`json`: one object a line.")

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("needs at least 32 characters, for example from `openssl rand -hex 32`")
        return value

    @field_validator("events")
    @classmethod
    def _known_stream(cls, value: str) -> str:
        if value != "database" and not (value.startswith("kafka://") and len(value) > len("kafka://")):
            raise ValueError("is neither `database` nor `kafka://host:port,…`")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("is no `postgresql://` URL")
        return value

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("is no http:// or https:// address")
        return value.rstrip("/")

    @property
    def kafka_servers(self) -> str | None:
        """``host:port,…`` when events travel on Kafka, else None."""
        return self.events.removeprefix("kafka://") if self.events.startswith("kafka://") else None


def load_settings(**overrides: object) -> Settings:
    """The settings of this process: ``overrides``, then the environment, then the defaults.

    Raises `Misconfigured` with every wrong setting by its variable's name.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them, and says what is wrong
    except ValidationError as error:
        lines = [
            f"REDRESS_{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        ]
        raise Misconfigured("\n".join(lines)) from None
