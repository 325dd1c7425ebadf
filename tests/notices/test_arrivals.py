"""What comes in: which case it belongs to, what it does there, and what is kept for a person."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Unavailable
from services.base.files.receiving import FileDoor
from services.base.files.store import LocalFiles
from services.base.identity import new_id
from services.casework import customer
from services.casework.handlers.conversing import AwaitCustomer
from services.casework.handlers.relating import Merge
from services.complaints import attachments
from services.notices.arrivals.commands import match_by_hand
from services.notices.channels.port import Receipt
from services.plan.versions import Plans
from tests.base.file_samples import png
from tests.casework.factories import ENGINEER, NOW, PRIVACY, case_of, do, received_case, staff, sync_duty
from tests.casework.scenes import happened
from tests.notices import letters_in
from tests.notices.arriving import (
    PHONE,
    arrivals,
    case_in,
    customers_case,
    kept,
    mail_in,
    notice_of,
    open_tasks,
    opted_out,
    replies,
    text_in,
    the_one,
    token_address,
    told,
)
from tests.notices.letters_in import CUSTOMER, mail


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await sync_duty(engine, made)
    return made


SAID = "设备编号是 HG8145-22187，红灯一直亮。"
EMAIL_PRINT, SMS_PRINT = PRIVACY.fingerprint("email", CUSTOMER), PRIVACY.fingerprint("sms", PHONE)


async def reference_of(engine: AsyncEngine, case: UUID) -> str:
    return (await case_of(engine, case)).reference


async def awaiting_case(engine: AsyncEngine, plans: Plans) -> UUID:
    case = await case_in(engine, plans, "in_progress")
    await do(engine, plans, case, AwaitCustomer(question="请提供设备编号。"), ENGINEER)
    return case


async def test_an_answer_to_our_mail_lets_a_case_that_waits_go_on(engine: AsyncEngine, plans: Plans) -> None:
    case = await awaiting_case(engine, plans)
    notice = await told(engine, case)
    text = f"{SAID}\n\n在 2025-11-24 10:30:00，客服 <care@example.com> 写道：\n\n请提供设备编号。"

    await mail_in(engine, plans, mail(text, sender="another@home.example"), to=token_address(notice))

    row = await the_one(engine)
    assert (row.status, row.matched_by, row.complaint_id, row.notice_id) == ("matched", "token", case, notice)
    assert row.content == text
    assert await replies(engine, case) == [("email", SAID)]
    assert (await case_of(engine, case)).status == "in_progress"
    assert await open_tasks(engine) == []


@pytest.mark.parametrize("spelling", [str.upper, str.title, str])
async def test_an_address_is_ours_however_servers_write_it(engine: AsyncEngine, plans: Plans, spelling: type) -> None:
    case = await customers_case(engine)
    notice = await told(engine, case)

    await mail_in(engine, plans, mail(sender="x@home.example"), to=spelling(token_address(notice)))

    assert (await the_one(engine)).matched_by == "token"


async def test_a_token_that_we_did_not_make_proves_nothing(engine: AsyncEngine, plans: Plans) -> None:
    notice = await told(engine, await customers_case(engine))
    forged = token_address(notice).replace("@", "a@")

    await mail_in(engine, plans, mail(sender="x@home.example"), to=forged)

    assert (await the_one(engine)).status == "unmatched"


async def test_what_it_answers_counts_only_for_the_customer_of_that_case(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    await customers_case(engine)
    notice = await told(engine, case)
    answering = f"In-Reply-To: <{notice}@example.com>\r\n"

    await mail_in(engine, plans, mail("甲", headers=answering))
    await mail_in(engine, plans, mail("乙", headers=answering, sender="stranger@home.example"))

    first, second = await kept(engine)
    assert (first.matched_by, first.complaint_id) == ("answer", case)
    assert (second.status, second.why, second.complaint_id) == ("unmatched", "nobody", None)
    assert await replies(engine, case) == [("email", "甲")]


async def test_the_reference_counts_only_from_the_customer(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    await customers_case(engine)
    reference = await reference_of(engine, case)

    await mail_in(engine, plans, mail("还没好", subject=f"回复：投诉 {reference.lower()} 进展"))
    await mail_in(engine, plans, mail(f"单号{reference}", sender="stranger@home.example"))

    first, second = await kept(engine)
    assert (first.matched_by, first.complaint_id, second.status) == ("reference", case, "unmatched")


async def test_where_the_customer_wants_the_answer_is_the_customer_too(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    await customers_case(engine, email="other@example.com")
    await told(engine, case, address="Work@Firm.example")

    await mail_in(engine, plans, mail(sender="work@firm.example"))

    assert ((await the_one(engine)).matched_by, await replies(engine, case)) == ("sender", [("email", SAID)])


async def test_one_open_case_is_enough_and_several_are_for_a_person(engine: AsyncEngine, plans: Plans) -> None:
    await case_in(engine, plans, "closed")
    case = await customers_case(engine)
    await mail_in(engine, plans, mail("甲", sender="LI.WEI@EXAMPLE.COM"))
    await customers_case(engine)
    await mail_in(engine, plans, mail("乙"))

    first, second = await kept(engine)
    assert (first.matched_by, first.complaint_id) == ("sender", case)
    assert (second.status, second.why) == ("unmatched", "several")


async def test_what_matches_nothing_is_kept_for_customer_service(engine: AsyncEngine, plans: Plans) -> None:
    await mail_in(engine, plans, mail(sender="stranger@home.example"))

    row = await the_one(engine)
    (task,) = await open_tasks(engine)
    assert (row.status, row.realm, row.kind) == ("unmatched", "live", "message")
    assert PRIVACY.open_incoming(row.personal).said == SAID
    assert (task.kind, task.group_code, task.complaint_id, task.cause) == ("other", "customer_service", None, row.id)
    assert task.facts == {"arrival": str(row.id), "way": "email", "why": "nobody"}
    assert "来信" in task.title
    assert "matches no complaint" in task.title


async def test_people_in_a_drill_answer_in_the_drill(engine: AsyncEngine, plans: Plans) -> None:
    drill = await received_case(engine, realm="drill")
    notice = await told(engine, drill, realm="drill")
    await customers_case(engine, await received_case(engine, realm="drill"))

    await mail_in(engine, plans, mail("甲"), to=token_address(notice))
    await mail_in(engine, plans, mail("乙"))

    first, second = await kept(engine)
    assert (first.realm, first.complaint_id) == ("drill", drill)
    assert (second.realm, second.status) == ("live", "unmatched")


async def test_a_mail_that_is_delivered_many_times_at_once_is_said_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    again = b"Received: from another.example.net\r\n" + mail()

    await asyncio.gather(*(mail_in(engine, plans, content) for content in (mail(), again) * 4))
    await mail_in(engine, plans, mail())

    assert len(await kept(engine)) == 1
    assert await replies(engine, case) == [("email", SAID)]


async def test_a_case_that_was_merged_is_stood_in_for_by_the_other(engine: AsyncEngine, plans: Plans) -> None:
    stays, goes = [await case_in(engine, plans, "in_progress") for _ in range(2)]
    notice = await told(engine, goes)
    await do(
        engine, plans, goes, Merge(into=await reference_of(engine, stays), reason="同一客户的重复投诉。"), ENGINEER
    )

    await mail_in(engine, plans, mail(), to=token_address(notice))

    assert await replies(engine, stays) == [("email", SAID)]


async def test_who_writes_after_the_closing_is_heard_and_seen_to(engine: AsyncEngine, plans: Plans) -> None:
    case = await case_in(engine, plans, "closed")
    notice = await told(engine, case)

    await mail_in(engine, plans, mail("又断了"), to=token_address(notice))

    (task,) = await open_tasks(engine)
    assert (await the_one(engine)).status == "matched"
    assert await replies(engine, case) == [("email", "又断了")]
    assert (task.complaint_id, task.facts["why"]) == (case, "case_closed")


async def test_a_message_to_a_case_that_is_over_is_kept_with_the_case_that_it_is_about(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await customers_case(engine)
    notice = await told(engine, case)
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, case, None, NOW)

    await mail_in(engine, plans, mail(), to=token_address(notice))

    row = await the_one(engine)
    (task,) = await open_tasks(engine)
    assert (row.status, row.why, row.complaint_id) == ("unmatched", "case_over", case)
    assert (task.complaint_id, task.facts["why"], await replies(engine, case)) == (case, "case_over", [])


async def test_an_answering_machine_is_kept_with_the_case_and_answers_nothing(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await awaiting_case(engine, plans)
    notice = await told(engine, case)

    await mail_in(engine, plans, mail("我在休假。", subject="自动回复：请补充信息"), to=token_address(notice))
    await mail_in(engine, plans, mail("hello", headers=f"Redress-Notice: question; {notice}\r\n"))

    rows = await kept(engine)
    assert [(row.kind, row.status, row.complaint_id) for row in rows] == [("automatic", "matched", case)] * 2
    assert (await case_of(engine, case)).status == "awaiting_customer"
    assert (await replies(engine, case), await open_tasks(engine)) == ([], [])


async def test_a_machine_that_nobody_asked_makes_no_work(engine: AsyncEngine, plans: Plans) -> None:
    await mail_in(engine, plans, mail("Newsletter", headers="Precedence: bulk\r\n", sender="news@shop.example"))

    assert ((await the_one(engine)).status, await open_tasks(engine)) == ("unmatched", [])


@pytest.mark.parametrize("form", ["postfix", "exchange", "words"])
async def test_a_mail_that_is_sent_back_makes_its_notice_fail(engine: AsyncEngine, plans: Plans, form: str) -> None:
    case = await customers_case(engine)
    notice = await told(engine, case)
    match form:
        case "postfix":
            content, to = letters_in.postfix_bounce(new_id(), to="x"), token_address(notice)
        case "exchange":
            content, to = letters_in.exchange_bounce(notice), letters_in.CARE
        case _:
            content, to = letters_in.qmail_bounce(notice), letters_in.CARE

    await mail_in(engine, plans, content, to=to, sender="")

    row, failed = await the_one(engine), await notice_of(engine, notice)
    assert (row.kind, row.status, row.notice_id) == ("bounce", "matched", notice)
    assert failed.status != "sent"
    assert "5.1.1" in failed.failure
    assert CUSTOMER not in failed.failure
    assert await replies(engine, case) == []


async def test_a_mail_that_is_late_has_not_failed(engine: AsyncEngine, plans: Plans) -> None:
    notice = await told(engine, await customers_case(engine))
    late = letters_in.postfix_bounce(notice, to="x", action="delayed", status="4.4.1")

    await mail_in(engine, plans, late, to=token_address(notice), sender="")

    assert ((await the_one(engine)).kind, (await notice_of(engine, notice)).status) == ("bounce", "sent")


async def test_a_receipt_of_a_channel_is_recorded(engine: AsyncEngine, plans: Plans) -> None:
    notice = await told(engine, await customers_case(engine), "sms")
    receipt = Receipt(way="sms", state="delivered", at=NOW, address=PHONE, peer_id=str(notice))

    await arrivals(engine, plans).receipt(receipt)
    await arrivals(engine, plans).receipt(Receipt("sms", "delivered", NOW, PHONE, peer_id="none of ours"))

    assert (await notice_of(engine, notice)).status == "delivered"


@pytest.mark.parametrize("number", ["+8613800138000", "8613800138000", "13800138000", "+86 138-0013-8000"])
async def test_a_text_message_answers_the_last_one(engine: AsyncEngine, plans: Plans, number: str) -> None:
    asked, other = await awaiting_case(engine, plans), await customers_case(engine)
    await told(engine, other, "sms", at=NOW - timedelta(days=2))
    notice = await told(engine, asked, "sms")

    await text_in(engine, plans, " 红灯😀亮 ", sender=number)

    row = await the_one(engine)
    assert (row.matched_by, row.complaint_id, row.notice_id) == ("told_last", asked, notice)
    assert await replies(engine, asked) == [("sms", "红灯😀亮")]
    assert (await case_of(engine, asked)).status == "in_progress"


async def test_a_text_message_names_its_case_or_is_the_senders_only_one(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    await text_in(engine, plans, "甲")
    other = await customers_case(engine)
    await told(engine, case, "sms")
    await text_in(engine, plans, f"{(await reference_of(engine, other)).replace('-', '')} 还没好")
    await text_in(engine, plans, "丙", sender="95588")

    first, second, third = await kept(engine)
    assert [(row.matched_by, row.complaint_id) for row in (first, second)] == [("sender", case), ("reference", other)]
    assert (third.status, third.why) == ("unmatched", "nobody")


async def test_what_was_told_long_ago_is_not_answered_any_more(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    await customers_case(engine)
    await told(engine, case, "sms", at=NOW - timedelta(days=15))

    await text_in(engine, plans, "怎么样了")

    assert (await the_one(engine)).why == "several"


async def test_a_text_message_that_comes_twice_is_one_also_with_a_long_id(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)

    for _ in range(2):
        await text_in(engine, plans, "甲", peer_id="9" * 5_000)

    assert (len(await kept(engine)), await replies(engine, case)) == (1, [("sms", "甲")])


async def test_stop_is_heard_once_and_start_takes_it_back(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    await text_in(engine, plans, "退订")
    await text_in(engine, plans, "T", now=NOW + timedelta(days=1))

    assert await opted_out(engine) == {SMS_PRINT: ("sms", "live", "stop")}

    await text_in(engine, plans, "恢复")
    assert await opted_out(engine) == {}
    rows = await kept(engine)
    assert [(row.kind, row.status, row.complaint_id) for row in rows] == [
        ("stop", "matched", case),
        ("stop", "matched", case),
        ("start", "matched", case),
    ]
    assert (await replies(engine, case), await open_tasks(engine)) == ([], [])


async def test_a_letter_that_answers_a_question_is_an_answer(engine: AsyncEngine, plans: Plans) -> None:
    case = await awaiting_case(engine, plans)
    await told(engine, case, "sms")

    await text_in(engine, plans, "N")
    await text_in(engine, plans, "恢复")

    assert await replies(engine, case) == [("sms", "N"), ("sms", "恢复")]
    assert await opted_out(engine) == {}


async def test_who_is_unknown_can_stop_too(engine: AsyncEngine, plans: Plans) -> None:
    await text_in(engine, plans, "STOP", sender="13900139000")

    assert await opted_out(engine) == {PRIVACY.fingerprint("sms", "+8613900139000"): ("sms", "live", "stop")}
    assert await open_tasks(engine) == []


async def test_an_unsubscribing_mail_stops_the_address_that_was_written_to(engine: AsyncEngine, plans: Plans) -> None:
    notice = await told(engine, await customers_case(engine))
    button = mail("Apple Mail sent this email to unsubscribe.", subject="unsubscribe", sender="alias@home.example")

    await mail_in(engine, plans, button, to=token_address(notice))
    await mail_in(engine, plans, mail("", subject="退订", sender="third@home.example"))

    third = PRIVACY.fingerprint("email", "third@home.example")
    assert await opted_out(engine) == {
        EMAIL_PRINT: ("email", "live", "unsubscribed"),
        third: ("email", "live", "unsubscribed"),
    }


async def attached(engine: AsyncEngine, case: UUID) -> list[tuple[str, str, str]]:
    async with engine.connect() as connection:
        return [(one.name, one.media_type, one.added_by) for one in await attachments.of_case(connection, case, "live")]


def files_of(row: sa.Row[Any]) -> list[tuple[str, bool, str | None]]:
    """Name, whether it is kept, and why it isn't with the case."""
    return [(one.name, one.sha256 is not None, one.refused) for one in PRIVACY.open_incoming(row.personal).files]


async def test_a_picture_goes_to_the_case_and_what_is_none_is_named(
    engine: AsyncEngine, plans: Plans, tmp_path: Path
) -> None:
    case = await awaiting_case(engine, plans)
    notice = await told(engine, case)
    files = FileDoor(LocalFiles(tmp_path))

    await mail_in(engine, plans, letters_in.mail_with_files(("账单.png", png()), ("病毒.exe", b"MZ\x90" * 99)),
                  to=token_address(notice), files=files)  # fmt: skip

    (picture, program) = files_of(await the_one(engine))
    assert await attached(engine, case) == [("账单.png", "image/png", "customer")]
    assert picture == ("账单.png", True, None)
    assert program[:2] == ("病毒.exe", False)
    assert "PNG" in str(program[2])
    assert (await case_of(engine, case)).status == "in_progress"
    ((_, said),) = await replies(engine, case)
    assert "2" in said


async def test_a_file_of_a_message_that_matches_nothing_waits_with_it(
    engine: AsyncEngine, plans: Plans, tmp_path: Path
) -> None:
    case = await customers_case(engine)
    content = letters_in.mail_with_files(("账单.png", png()), sender="stranger@home.example")
    await mail_in(engine, plans, content, files=FileDoor(LocalFiles(tmp_path)))
    arrival = (await the_one(engine)).id

    for _ in range(2):
        async with engine.begin() as connection:
            await match_by_hand(connection, plans, PRIVACY, arrival, str(case), staff("wang.fang"), NOW)

    assert await attached(engine, case) == [("账单.png", "image/png", "customer")]


async def test_a_case_with_all_its_files_says_so_at_the_file(engine: AsyncEngine, plans: Plans, tmp_path: Path) -> None:
    case = await customers_case(engine)
    pictures = [(f"{number}.png", png(number + 1)) for number in range(11)]

    await mail_in(engine, plans, letters_in.mail_with_files(*pictures), files=FileDoor(LocalFiles(tmp_path)))

    *rest, last = files_of(await the_one(engine))
    assert [refused for _, _, refused in rest] == [None] * 10
    assert "10 are the most" in str(last[2])
    assert len(await attached(engine, case)) == 10


async def test_while_files_can_not_be_kept_the_mail_is_not_taken(engine: AsyncEngine, plans: Plans) -> None:
    nowhere = FileDoor(LocalFiles(Path("/dev/null/files")))

    with pytest.raises(Unavailable):
        await mail_in(engine, plans, letters_in.mail_with_files(("账单.png", png())), files=nowhere)

    assert await kept(engine) == []


async def test_words_too_many_for_a_message_are_kept_whole(engine: AsyncEngine, plans: Plans) -> None:
    case = await customers_case(engine)
    text = "断网" * 50_000

    await mail_in(engine, plans, mail(text))

    ((_, said),) = await replies(engine, case)
    assert (len(said), said[-1]) == (20_000, "…")
    assert (await the_one(engine)).content == text


@pytest.mark.parametrize("rubbish", [b"", b"\x00\xff" * 500, b"From: \x00\r\n\r\n\x00\x1b[2J", b"\xed\xa0\x80" * 9])
async def test_rubbish_is_kept(engine: AsyncEngine, plans: Plans, rubbish: bytes) -> None:
    await mail_in(engine, plans, rubbish)

    assert (await the_one(engine)).status == "unmatched"
    assert len(await open_tasks(engine)) == 1


async def test_nothing_personal_leaves_the_private_half(engine: AsyncEngine, plans: Plans) -> None:
    case = await awaiting_case(engine, plans)
    notice = await told(engine, case)

    await mail_in(engine, plans, mail(), to=token_address(notice))
    await mail_in(engine, plans, mail("无人认领", sender="stranger@home.example"))

    async with engine.connect() as connection:
        public = await connection.scalar(sa.text("select string_agg(data::text, ' ') from event"))
    assert "HG8145" not in public
    assert "stranger" not in public
    assert "resumed" in await happened(engine, case)
