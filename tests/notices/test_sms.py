"""Text messages to a real message centre on loopback."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvloop
from smpplib import consts

from services.base.errors import Misconfigured
from services.notices.channels.port import Deferred, Outgoing, PeerAway, Rejected, Throttled, Unconfirmed, reference_of
from services.notices.channels.sms import Pace, Sms
from tests.notices.sms_channel import CUSTOMER, Heard, channel, notice, running, sent, until
from tests.servers.smsc import SHORT_CODE, Fault, Smsc

LONG = "【Redress】您的投诉已受理，我们会在24小时内与您联系。😀" * 6


@pytest.fixture
def centre() -> Iterator[Smsc]:
    with Smsc() as server:
        yield server


async def test_a_chinese_text_arrives_with_our_reference_and_the_centre_s_id_comes_back(centre: Smsc) -> None:
    async with running(centre) as sms:
        out = notice("您的投诉 R-2026-0007 已受理。😀")
        message_id = await sms.line().send(out)

    (text,) = centre.texts
    (part,) = text.parts
    assert (text.text, text.recipient, text.sender) == ("您的投诉 R-2026-0007 已受理。😀", CUSTOMER, SHORT_CODE)
    assert (part.coding, part.kinds, part.receipt) == (consts.SMPP_ENCODING_ISO10646, (0, 1), True)
    assert (part.reference, part.message_id) == (reference_of(out.notice), message_id)


async def test_a_long_text_is_put_together_and_only_its_last_part_is_receipted(centre: Smsc) -> None:
    async with running(centre) as sms:
        out = notice(LONG)
        message_id = await sms.line().send(out)

    (text,) = centre.texts
    assert (text.text, text.message_id) == (LONG, message_id)
    assert [part.receipt for part in text.parts] == [False, False, True]
    assert {part.reference for part in text.parts} == {reference_of(out.notice)}


async def test_the_extended_characters_of_the_default_alphabet_are_not_cut(centre: Smsc) -> None:
    words = "a" * 152 + "€ [{~}] " * 30
    async with running(centre) as sms:
        await sms.line().send(notice(words))

    (text,) = centre.texts
    assert text.text == words.strip()
    assert {part.coding for part in text.parts} == {consts.SMPP_ENCODING_DEFAULT}


async def test_texts_sent_at_once_over_many_lines_get_their_own_answers(centre: Smsc) -> None:
    async with running(centre, window=16) as sms:
        outs = [notice(f"number {n}", f"+8613800138{n:03}") for n in range(200)]
        ids = await asyncio.gather(*(sms.line().send(out) for out in outs))

    assert {text.message_id: text.text for text in centre.texts} == {
        message_id: out.words.text for message_id, out in zip(ids, outs, strict=True)
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (consts.SMPP_ESME_RTHROTTLED, Throttled),
        (consts.SMPP_ESME_RMSGQFUL, Throttled),
        (consts.SMPP_ESME_RINVDSTADR, Rejected),
        (consts.SMPP_ESME_RSUBMITFAIL, Rejected),
        (consts.SMPP_ESME_RSYSERR, Deferred),
        (0x00000473, Deferred),
        (consts.SMPP_ESME_RINVSRCADR, PeerAway),
        (consts.SMPP_ESME_RINVBNDSTS, PeerAway),
    ],
)
async def test_what_the_centre_answers_is_told_apart_and_nothing_is_sent_twice(
    centre: Smsc, status: int, kind: type[Exception]
) -> None:
    centre.answer_with(status)
    async with running(centre) as sms:
        with pytest.raises(kind, match=f"0x{status:08X}") as refusal:
            await sms.line().send(notice())

    assert type(refusal.value) is kind
    assert CUSTOMER.strip("+") not in str(refusal.value)
    assert centre.parts == ()


async def test_a_throttled_text_says_how_long_to_wait(centre: Smsc) -> None:
    centre.throttle()
    async with running(centre) as sms:
        with pytest.raises(Throttled) as refusal:
            await sms.line().send(notice())

    assert refusal.value.after is not None
    assert refusal.value.after.total_seconds() > 0


async def test_a_refused_number_does_not_keep_others_waiting(centre: Smsc) -> None:
    centre.refuse(CUSTOMER)
    async with running(centre) as sms:
        with pytest.raises(Rejected):
            await sms.line().send(notice())
        await sms.line().send(notice(address="+8613900139000"))

    assert [text.recipient for text in centre.texts] == ["+8613900139000"]


async def test_a_line_cut_after_taking_leaves_the_text_unconfirmed_and_sent_once(centre: Smsc) -> None:
    centre.cut_after_taking()
    async with running(centre) as sms:
        with pytest.raises(Unconfirmed, match="no answer came"):
            await sms.line().send(notice("once"))
        await centre.bound(2)
        await sent(sms, notice("afterwards"))

    assert [text.text for text in centre.texts] == ["once", "afterwards"]


async def test_an_answer_that_does_not_come_leaves_the_text_unconfirmed(centre: Smsc) -> None:
    centre.hang_after_taking()
    async with running(centre, seconds=0.1) as sms:
        with pytest.raises(Unconfirmed, match="did not answer within"):
            await sms.line().send(notice("once"))

    assert [text.text for text in centre.texts] == ["once"]


async def test_a_centre_that_hangs_gets_no_more_texts_until_it_answers(centre: Smsc) -> None:
    async with running(centre, seconds=0.1) as sms:
        await sms.line().send(notice("before"))
        centre.hang()
        with pytest.raises(Unconfirmed):
            await sms.line().send(notice("into the silence"))
        with pytest.raises(PeerAway):
            await sms.line().send(notice("not handed over"))
        centre.answer()
        await sent(sms, notice("after"))

    assert [text.text for text in await centre.wait_for(3)] == ["before", "into the silence", "after"]


async def test_a_throttled_part_is_tried_again_and_what_was_taken_is_not(centre: Smsc) -> None:
    centre.answer_with(0, consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RSYSERR, 0, 0)
    async with running(centre) as sms:
        await sms.line().send(notice(LONG))

    assert [text.text for text in centre.texts] == [LONG]
    assert len(centre.parts) == 3


@pytest.mark.parametrize("trouble", [consts.SMPP_ESME_RINVDSTADR, Fault.CUT, Fault.SILENT])
async def test_a_text_that_is_taken_in_part_is_unconfirmed(centre: Smsc, trouble: int | Fault) -> None:
    centre.answer_with(0, trouble)
    async with running(centre, seconds=0.2) as sms:
        with pytest.raises(Unconfirmed, match="part 2 of 3"):
            await sms.line().send(notice(LONG))

    assert len(centre.parts) == (1 if isinstance(trouble, int) else 2)


async def test_a_part_that_is_throttled_for_too_long_is_given_up(centre: Smsc) -> None:
    centre.answer_with(0, *[consts.SMPP_ESME_RTHROTTLED] * 500)
    async with running(centre, seconds=0.2) as sms:
        with pytest.raises(Unconfirmed, match="handed over in part: part 2 of 3"):
            await sms.line().send(notice(LONG))

    assert len(centre.parts) == 1


async def test_a_centre_that_is_down_takes_nothing_and_is_found_again_when_it_is_up(centre: Smsc) -> None:
    centre.down()
    async with running(centre) as sms:
        with pytest.raises(PeerAway, match="can't be reached"):
            await sms.line().send(notice("lost?"))
        centre.up()
        await centre.bound()
        await sent(sms, notice("back"))
        centre.down()
        centre.up()
        await centre.bound(2)
        await sent(sms, notice("again"))

    assert [text.text for text in centre.texts] == ["back", "again"]


async def test_a_refused_bind_says_which_setting_to_look_at_and_is_tried_again(centre: Smsc) -> None:
    centre.refuse_binds()
    async with running(centre) as sms:
        with pytest.raises(PeerAway, match=r"Invalid Password.*REDRESS_SMPP_URL"):
            await sms.line().send(notice())
        centre.refuse_binds(0)
        await centre.bound()
        await sent(sms, notice())

    assert len(centre.texts) == 1


async def test_a_channel_that_does_not_run_hands_nothing_over(centre: Smsc) -> None:
    with pytest.raises(PeerAway, match="no connection"):
        await channel(centre, Heard(), seconds=0.01).line().send(notice())

    assert centre.parts == ()


@pytest.mark.parametrize(
    ("text", "address", "reason"),
    [("诉" * 700, CUSTOMER, "11 text messages"), (" \n", CUSTOMER, "empty"), ("hello", "13800138000", "international")],
)
async def test_what_can_not_be_sent_is_rejected_with_a_reason(
    centre: Smsc, text: str, address: str, reason: str
) -> None:
    async with running(centre) as sms:
        with pytest.raises(Rejected, match=reason):
            await sms.line().send(notice(text, address))

    assert centre.parts == ()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_whatever_the_centre_does_no_text_arrives_twice_and_what_is_told_of_it_is_true(
    centre: Smsc, run: Callable[[Coroutine[Any, Any, Fates]], Fates]
) -> None:
    chance = random.Random(7)
    troubles = [Fault.CUT, Fault.SILENT, consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RSYSERR, 0x473]
    centre.whenever(lambda part: chance.choice(troubles) if chance.random() < 0.3 else None)

    # In a thread, because the tests' own loop belongs to this one. Programs run on uvloop.
    with ThreadPoolExecutor(1) as threads:
        fates = threads.submit(run, fates_of(centre, 120)).result()

    arrived = Counter((part.reference, part.head and part.head[2], part.data) for part in centre.parts)
    whole = Counter(text.text for text in centre.texts)
    assert set(arrived.values()) == {1}
    assert all(whole[words] == 1 for words, fate in fates.items() if fate is None)
    assert set(fates.values()) == {None, Unconfirmed}


async def test_a_centre_that_falls_silent_is_found_out_and_left_though_nothing_is_sent(centre: Smsc) -> None:
    async with running(centre, seconds=0.1, enquire=0.02) as sms:
        centre.hang()
        await until(lambda: centre.lines == 0)
        centre.answer()
        await centre.bound(2)
        await sent(sms, notice())

    assert len(centre.texts) == 1


async def test_a_centre_that_says_goodbye_is_answered_and_found_again(centre: Smsc) -> None:
    async with running(centre) as sms:
        assert await centre.ask_raw(0x00000015, b"") == (0x80000015, 0)
        assert await centre.ask_raw(0x00000006, b"") == (0x80000006, 0)
        await centre.bound(2)
        await sent(sms, notice())

    assert len(centre.texts) == 1


# --- settings


@pytest.mark.parametrize(
    "url",
    [
        "centre.example.com",
        "http://u:p@host",
        "smpp://",
        "smpp://u:p@host:many",
        "smpp://host",
        "smpp://u:p@host/x",
        "smpp://u:p@[host",
        "smpp://user:too-long-a-password@host",
        "smpp://用户:p@host",
    ],
)
async def test_what_is_no_address_of_a_message_centre_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_SMPP_URL"):
        Sms(url, sender=SHORT_CODE, per_second=1, window=1, listener=Heard())


@pytest.mark.parametrize("sender", ["", "中国移动", "twelve chars", "10", "1234567890123456789012"])
async def test_a_sender_that_no_phone_can_show_is_a_wrong_setting(sender: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_SMS_SENDER"):
        Sms("smpp://u:p@host", sender=sender, per_second=1, window=1, listener=Heard())


@pytest.mark.parametrize(("sender", "shown", "kind"), [("Redress", "Redress", 5), ("+861065001234", "861065001234", 1)])
async def test_a_sender_may_be_a_name_or_a_number(centre: Smsc, sender: str, shown: str, kind: int) -> None:
    async with running(centre, sender=sender) as sms:
        await sms.line().send(notice())

    (part,) = centre.parts
    assert (part.sender, part.kinds[0]) == (shown, kind)


def test_no_second_has_more_messages_than_are_allowed() -> None:
    pace = Pace(100)
    turns, now = [], 0.0
    for number in range(1000):
        now += 5.0 if number == 500 else 0.001
        turns.append(now + pace.reserve(now))

    # Two more are caught up with after a rest, and a second that begins at a turn has one more.
    busiest = max(sum(1 for turn in turns if start <= turn < start + 1) for start in turns)
    assert busiest <= 103
    assert turns == sorted(turns)


Fates = dict[str, type[Exception] | None]


async def fates_of(centre: Smsc, number: int) -> Fates:
    """What came of each of so many texts, tried again as long as that is safe; None for what the centre took."""

    async def told(out: Outgoing) -> type[Exception] | None:
        while True:
            try:
                await sms.line().send(out)
            except Unconfirmed as error:
                return type(error)
            except (PeerAway, Deferred):
                await asyncio.sleep(0.002)
            else:
                return None

    async with running(centre, seconds=0.2, window=16) as sms:
        outs = [notice(f"{n}: {LONG if n % 5 == 0 else 'Hello'}") for n in range(number)]
        fates = await asyncio.gather(*(told(out) for out in outs))
    return {out.words.text: fate for out, fate in zip(outs, fates, strict=True)}
