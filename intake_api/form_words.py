"""What the forms of the customer's page say in each language, and what they say is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.plan.vocabulary import Language


@dataclass(frozen=True, slots=True)
class ReopenWords:
    """How reopening is offered."""

    title: str
    hint: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reopening:
    """The same for a case that was settled, taken back by its customer, or not taken up."""

    settled: ReopenWords
    withdrawn: ReopenWords
    rejected: ReopenWords


@dataclass(frozen=True, slots=True)
class FormWords:
    """``wrong`` says what is wrong, by a code; ``done`` what was done. ``{…}`` stands for what differs."""

    problem: str
    question: str
    answer_by: str
    answer: str
    add: str
    add_hint: str
    message: str
    file: str
    file_hint: str
    send: str
    reopen: Reopening
    reopen_until: str
    reopen_button: str
    withdraw: str
    withdraw_title: str
    withdraw_means: tuple[str, ...]
    withdraw_reason: str
    withdraw_button: str
    withdraw_back: str
    telling: str
    telling_hint: str
    on: str
    off: str
    stop: str
    allow: str
    written: str
    ways: Mapping[str, str]
    done: Mapping[str, str]
    wrong: Mapping[str, str]


FORM_WORDS: Final[Mapping[Language, FormWords]] = MappingProxyType(
    {
        "zh": FormWords(
            problem="还没有提交成功",
            question="请您补充",
            answer_by="请尽量在 {time} 前回复；届时没有收到回复的，我们会根据已有的信息继续处理。",
            answer="您的回复",
            add="补充信息",
            add_hint="情况有变化，或者还有要说明的，请写在这里，处理人员会看到。",
            message="内容",
            file="文件（可不选）",
            file_hint="可以是 {kinds}，不超过 {largest} MB。",
            send="发送",
            reopen=Reopening(
                ReopenWords(
                    "问题没有解决？", "请告诉我们哪里还没有解决，我们会重新受理，并请上级跟进。", "哪里还没有解决"
                ),
                ReopenWords("改变主意了？", "请告诉我们情况，我们会重新受理。", "为什么需要继续处理"),
                ReopenWords("有不同意见？", "请告诉我们理由，我们会重新研究。", "您的理由"),
            ),
            reopen_until="您可以在 {time} 前要求重新处理。",
            reopen_button="要求重新处理",
            withdraw="撤回投诉",
            withdraw_title="要撤回这项投诉吗？",
            withdraw_means=(
                "撤回后，我们不再继续处理；已经答应您、但还没有办理的补偿也会停止。",
                "以后改变主意的，可以在跟踪页面要求重新处理。",
            ),
            withdraw_reason="撤回原因（可不填）",
            withdraw_button="确认撤回",
            withdraw_back="不撤回，返回",
            telling="给您的通知",
            telling_hint="停止后，只发送必须告知您的内容，例如受理和处理结果；处理进度仍可在本页面查看。对您在我们这里的所有投诉都有效。",
            on="正常接收",
            off="已停止",
            stop="停止{way}",
            allow="恢复{way}",
            written="您写的内容",
            ways=MappingProxyType({"sms": "短信", "email": "邮件"}),
            done=MappingProxyType(
                {
                    "sent": "已收到，处理人员会看到您补充的内容。",
                    "withdrawn": "投诉已撤回。",
                    "reopened": "已重新受理，我们会继续处理。",
                    "stopped": "已停止，以后不再这样通知您。",
                    "allowed": "已恢复，以后会继续这样通知您。",
                }
            ),
            wrong=MappingProxyType(
                {
                    "empty": "请填写内容。",
                    "too_long": "内容有 {count} 个字，最多 {most} 个字，请删减后再提交。",
                    "control_character": "第 {position} 个字是无法保存的控制字符，请删除后再提交。",
                    "too_often": "提交得太频繁了，请过一分钟再提交。您写的内容还在下面。",
                    "wrong_state": "投诉现在是“{status}”，不能这样操作。",
                    "settled": "投诉现在是“{status}”，不能补充信息。需要继续处理的，请要求重新处理。",
                    "open": "投诉正在处理中，不需要重新受理。您写的内容可以作为补充信息发送。",
                    "too_late": "投诉办结已超过 {days} 天，不能再重新受理。问题再次出现的，请重新投诉。",
                    "merged": "这项投诉已与您的另一项投诉合并处理，请在那一项中提交。",
                    "file_too_large": "文件太大，最多 {largest} MB。请压缩或截取需要的部分，再重新选择。",
                    "file_kind": "不能接收这种文件，可以是 {kinds}。请换一个文件。",
                    "file_empty": "文件是空的，请换一个文件。",
                    "file_damaged": "文件不完整或已损坏，请换一个文件。",
                    "file_mixed": "文件里还夹带了别的内容，请换成普通的照片或 PDF。",
                    "file_infected": "文件没有通过安全检查，请换一个文件。",
                    "file_refused": "没有能保存这个文件，请换一个文件。",
                    "too_many_files": "这项投诉已有 {most} 个文件，不能再添加。",
                    "file_again": "文件还没有保存，请重新选择。",
                }
            ),
        ),
        "en": FormWords(
            problem="It wasn't sent yet",
            question="We need something from you",
            answer_by="Please answer by {time} if you can; after that we go on with what we have.",
            answer="Your answer",
            add="Add something",
            add_hint="If anything has changed, or there is more to say, write it here. We will read it.",
            message="Your message",
            file="A file, if you like",
            file_hint="{kinds}; {largest} MB at most.",
            send="Send",
            reopen=Reopening(
                ReopenWords(
                    "Not settled?",
                    "Tell us what is still wrong. We will take it up again, and somebody senior sees to it.",
                    "What is still wrong",
                ),
                ReopenWords("Changed your mind?", "Tell us why, and we will take it up again.", "Why we should go on"),
                ReopenWords("Don't you agree?", "Tell us why, and we will look at it again.", "Your reasons"),
            ),
            reopen_until="You can ask for this until {time}.",
            reopen_button="Ask us to reopen it",
            withdraw="Withdraw the complaint",
            withdraw_title="Do you want to withdraw this complaint?",
            withdraw_means=(
                "We will stop working on it. Compensation that was promised and isn't paid yet stops, too.",
                "If you change your mind, you can ask us on the page of your complaint to take it up again.",
            ),
            withdraw_reason="Why (only if you like)",
            withdraw_button="Withdraw it",
            withdraw_back="No, go back",
            telling="Messages to you",
            telling_hint="When stopped, you get only what we have to tell you, such as that we have your complaint and "
            "its result; you can still follow everything on this page. This counts for all your complaints with us.",
            on="On",
            off="Stopped",
            stop="Stop {way}",
            allow="Allow {way} again",
            written="What you wrote",
            ways=MappingProxyType({"sms": "text messages", "email": "e-mails"}),
            done=MappingProxyType(
                {
                    "sent": "We have it. Whoever works on your complaint will see what you added.",
                    "withdrawn": "Your complaint is withdrawn.",
                    "reopened": "Your complaint is reopened. We will go on with it.",
                    "stopped": "Stopped. We won't tell you this way any more.",
                    "allowed": "Allowed. We will tell you this way again.",
                }
            ),
            wrong=MappingProxyType(
                {
                    "empty": "Please write something.",
                    "too_long": "This has {count} characters; {most} is the most. Please shorten it.",
                    "control_character": "Character {position} is a control character that can't be kept. "
                    "Please delete it.",
                    "too_often": "That was very often. Please wait a minute and send it again; what you wrote is still "
                    "below.",
                    "wrong_state": "That isn't possible now: your complaint is “{status}”.",
                    "settled": "Your complaint is “{status}”, so nothing can be added. If we should go on with it, ask "
                    "us to reopen it.",
                    "open": "Your complaint is being worked on, so it needs no reopening. You can send what you wrote "
                    "as a message.",
                    "too_late": "Your complaint was closed more than {days} days ago and can't be reopened. If the "
                    "problem is back, please complain anew.",
                    "merged": "We handle this complaint together with another one of yours; please use the link of "
                    "that one.",
                    "file_too_large": "The file is too large; {largest} MB is the most. Please make it smaller, or cut "
                    "out what matters, and choose it again.",
                    "file_kind": "We can't take this kind of file; it can be {kinds}. Please choose another.",
                    "file_empty": "The file is empty. Please choose another.",
                    "file_damaged": "The file is cut short or damaged. Please choose another.",
                    "file_mixed": "The file has something else inside it. Please choose a plain photo or PDF.",
                    "file_infected": "The file didn't pass our safety check. Please choose another.",
                    "file_refused": "We couldn't keep this file. Please choose another.",
                    "too_many_files": "There are {most} files with this complaint already, which is the most.",
                    "file_again": "The file wasn't kept yet; please choose it again.",
                }
            ),
        ),
    }
)
