"""What a message centre's answer to a message means: the kinds of `port.NotSent`, by SMPP 3.4's statuses (5.1.3).

A status that says no is true whatever it is: the centre did not take the message. What isn't known here, above all a
vendor's own statuses, counts as passing; a notice that is refused again and again goes the next way all the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aiosmpplib import SmppCommandStatus as Status

from services.notices.channels.port import Deferred, NotSent, PeerAway, Rejected, Throttled

OK: Final = int(Status.ESME_ROK)
NOT_BOUND: Final = int(Status.ESME_RINVBNDSTS)
UNKNOWN_COMMAND: Final = int(Status.ESME_RINVCMDID)
WRONG_LENGTH: Final = int(Status.ESME_RINVCMDLEN)
QUEUE_FULL: Final = int(Status.ESME_RMSGQFUL)
TRY_AGAIN: Final = int(Status.ESME_RX_T_APPN)

_SLOWER: Final = frozenset({int(Status.ESME_RTHROTTLED), QUEUE_FULL})
# These speak of us or of the sender's number, which are the same for all messages.
_OUR_FAULT: Final = frozenset(
    int(status)
    for status in (
        Status.ESME_RINVBNDSTS,
        Status.ESME_RBINDFAIL,
        Status.ESME_RINVPASWD,
        Status.ESME_RINVSYSID,
        Status.ESME_RINVSYSTYP,
        Status.ESME_RINVSRCADR,
        Status.ESME_RINVSRCTON,
        Status.ESME_RINVSRCNPI,
    )
)
_FINAL: Final = frozenset(
    int(status)
    for status in (
        Status.ESME_RINVMSGLEN,
        Status.ESME_RINVDSTADR,
        Status.ESME_RINVESMCLASS,
        Status.ESME_RSUBMITFAIL,
        Status.ESME_RINVDSTTON,
        Status.ESME_RINVDSTNPI,
        Status.ESME_RX_P_APPN,
        Status.ESME_RX_R_APPN,
        Status.ESME_RINVPARLEN,
        Status.ESME_ROPTPARNOTALLWD,
        Status.ESME_RINVOPTPARAMVAL,
        Status.ESME_RDELIVERYFAILURE,
    )
)


def refusal(status: int, pause: timedelta) -> NotSent:
    """Why the centre did not take a message. ``pause``: how long to be quiet when it wants us to be slower, since
    SMPP has no way to say so.
    """
    said = named(status)
    if status in _SLOWER:
        return Throttled(f"the message centre wants fewer messages: {said}", pause)
    if status in _OUR_FAULT:
        return PeerAway(f"the message centre takes no messages from us: {said}")
    if status in _FINAL:
        return Rejected(f"the message centre refused it: {said}")
    return Deferred(f"the message centre takes it later: {said}")


def named(status: int) -> str:
    """A status in words and as the number that the centre's own documents have."""
    try:
        words = str(Status(status).description)
    except ValueError:
        words = "a status of its own"
    return f"{words} (0x{status:08X})"
