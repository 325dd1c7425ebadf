"""Reading a delivery receipt: from SMPP 3.4's optional parameters, and from the text that centres write besides
(appendix B: ``id:… sub:001 dlvrd:001 submit date:… done date:… stat:DELIVRD err:000 text:…``).

The parameters go first where both are there: the text's id is often the same number written another way.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from services.notices.channels import sms_pdu as pdus
from services.notices.channels.port import Receipt, ReceiptState
from services.notices.channels.sms_pdu import Deliver

# SMPP 3.4, 5.2.28, by number; 0 and 9 are of version 5.
_STATES: Final = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}
_FAILED: Final = ("UNDEL", "EXPIR", "DELET", "REJEC", "SKIPP", "FAIL")
_ID: Final = re.compile(r"(?:^|\s)id:\s?(\S{1,65})", re.IGNORECASE)
_STATE: Final = re.compile(r"(?:^|\s)stat:\s?([A-Za-z]{1,20})", re.IGNORECASE)
_ERROR: Final = re.compile(r"(?:^|\s)err:\s?(\w{1,20})", re.IGNORECASE)


def read_receipt(deliver: Deliver, at: datetime) -> Receipt:
    """What the receipt says, whatever its form. It may name no message; a state that isn't known is ``on_the_way``.

    ``at``: now. The time in the text is the centre's own, in a zone that it doesn't say.
    """
    text = _text(deliver)
    number = deliver.number(pdus.MESSAGE_STATE)
    state = _STATES.get(number, "UNKNOWN") if number is not None else _found(_STATE, text) or "UNKNOWN"
    return Receipt(
        way="sms",
        state=_meaning(state.upper()),
        at=at,
        # A receipt comes from whom the message was for, whose number we gave in E.164 form.
        address=f"+{deliver.source.number.removeprefix('+').removeprefix('00')}",
        peer_id=deliver.text(pdus.RECEIPTED_ID) or _found(_ID, text),
        reference=deliver.number(pdus.REFERENCE),
        detail=_detail(state.upper(), deliver, text),
    )


def _meaning(state: str) -> ReceiptState:
    if state.startswith("DELIV"):
        return "delivered"
    return "failed" if state.startswith(_FAILED) else "on_the_way"


def _detail(state: str, deliver: Deliver, text: str) -> str:
    network = deliver.parameters.get(pdus.NETWORK_ERROR, b"")
    error = str(int.from_bytes(network[1:3], "big")) if len(network) == 3 else _found(_ERROR, text)
    return state if error is None or not error.strip("0") else f"{state}, error {error}"


def _text(deliver: Deliver) -> str:
    """The text up to the message's own beginning. Its coding is often that of the message, while it is ASCII itself."""
    data = deliver.data if b"stat:" in deliver.data.lower() else deliver.data.replace(b"\0", b"")
    return re.split(r"\stext:", data.decode("latin-1"), maxsplit=1, flags=re.IGNORECASE)[0]


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found else None
