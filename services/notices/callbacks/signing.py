"""The secrets of callbacks, and signing with them as Standard Webhooks has it (HMAC-SHA256, several signatures)."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Final

from standardwebhooks import Webhook as Signer

from services.base.privacy import Privacy
from services.notices.callbacks.queries import CallbackView

BOTH_SIGN: Final = timedelta(hours=24)
"""For how long after a rotation the old secret signs as well."""


def secret_of(privacy: Privacy, name: str, epoch: int) -> str:
    """The secret as the front end's developer is given it: ``whsec_…``."""
    return "whsec_" + base64.b64encode(privacy.callback_secret(name, epoch)).decode()


class Signature:
    """Signs the calls of one callback."""

    def __init__(self, privacy: Privacy, callback: CallbackView) -> None:
        self._signer = Signer(privacy.callback_secret(callback.name, callback.epoch))
        self._previous: Signer | None = None
        if callback.previous_epoch is not None and callback.rotated_at is not None:
            self._previous = Signer(privacy.callback_secret(callback.name, callback.previous_epoch))
            self._both_until = callback.rotated_at + BOTH_SIGN

    def headers(self, id_: str, body: str, now: datetime) -> dict[str, str]:
        """The three headers of Standard Webhooks for a call made ``now`` (UTC)."""
        signatures = [self._signer.sign(id_, now, body)]
        if self._previous is not None and now < self._both_until:
            signatures.append(self._previous.sign(id_, now, body))
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
