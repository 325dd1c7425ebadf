"""What the customer's own pages have in common: templates, the headers that keep a page between the customer and us,
languages, and the pages that say sorry.

A page works without JavaScript and loads nothing. Whoever has its link sees it, so no address of ours leaks it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from services.notices.writing import language_of
from services.plan.vocabulary import Language
from web.bodies import header

Sorry = Literal["not_found", "no_survey", "unavailable", "not_taken", "unreadable", "elsewhere"]
TAGS: Final[Mapping[Language, str]] = MappingProxyType({"zh": "zh-CN", "en": "en"})
NAMES: Final[Mapping[Language, str]] = MappingProxyType({"zh": "中文", "en": "English"})
_OTHER: Final[Mapping[Language, Language]] = MappingProxyType({"zh": "en", "en": "zh"})
_RETRY_SECONDS: Final = {503: "10", 429: "60"}

# status, then title and text in both languages: whoever reads it may not be known.
_SORRY: Final[Mapping[Sorry, tuple[int, str, str, str, str]]] = MappingProxyType(
    {
        "not_found": (
            404,
            "找不到这个页面",
            "链接可能不完整，或者已经失效。请从最近收到的通知中重新打开链接；如仍无法打开，请联系客服并报投诉编号。",
            "We can't find this page",
            "The link may be incomplete, or it is no longer valid. Please open the link in the last message "
            "that you had from us. If that doesn't help, call us and give the reference of your complaint.",
        ),
        "no_survey": (
            404,
            "找不到这次回访",
            "链接可能不完整。请从收到的回访通知中重新打开链接；如仍无法打开，请联系客服并报投诉编号。",
            "We can't find this survey",
            "The link may be incomplete. Please open it again in the message that you had from us. If that doesn't "
            "help, call us and give the reference of your complaint.",
        ),
        "unavailable": (
            503,
            "暂时无法显示",
            "系统繁忙，请稍后刷新页面。您的投诉不受影响。",
            "Not available right now",
            "Please reload this page in a moment. Your complaint isn't affected.",
        ),
        "not_taken": (
            503,
            "暂时未能提交",
            "系统繁忙，您填写的内容还没有提交，但没有丢失。请稍等片刻，再点下面的按钮重新提交；选择过的文件需要重新选择。",
            "Not sent yet",
            "We can't take it at this moment. What you wrote isn't lost: please wait a little, then send it again with "
            "the button below. A file has to be chosen anew.",
        ),
        "unreadable": (
            400,
            "未能读取您提交的内容",
            "请返回上一页，再提交一次。",
            "We couldn't read what was sent",
            "Please go back and send it again.",
        ),
        "elsewhere": (
            403,
            "未能提交",
            "这次提交不是从我们的页面发出的，所以没有执行。请打开通知中的链接，在页面上操作。",
            "Not done",
            "This did not come from our own page, so we have changed nothing. Please open the link in our message and "
            "use the page there.",
        ),
    }
)


class CustomerPages:
    """Renders the templates in ``pages/``. All share one style sheet, which the policy names by its hash."""

    def __init__(self) -> None:
        loader = PackageLoader("intake_api", "pages")
        self._templates = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        style = self._templates.get_template("customer.css").render()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Robots-Tag": "noindex",
        }

    def page(self, template: str, language: Language, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
        """A page in one language. It is offered in the other, under the same address."""
        other = _OTHER[language]
        known = {"tag": TAGS[language], "language": language, "other": other, "other_tag": TAGS[other]}
        content = self._templates.get_template(template).render({**values, **known, "other_name": NAMES[other]})
        return HTMLResponse(content, status, {**self._headers_of(status), "Content-Language": TAGS[language]})

    def sorry(self, why: Sorry, again: Mapping[str, str] | None = None) -> HTMLResponse:
        """A page in both languages, for when there is nothing to show.

        ``again``: what was filled in and not taken, offered to be sent once more to the same address.
        """
        status, title_zh, text_zh, title_en, text_en = _SORRY[why]
        content = self._templates.get_template("sorry.html").render(
            title_zh=title_zh, text_zh=text_zh, title_en=title_en, text_en=text_en, again=again
        )
        return HTMLResponse(content, status, self._headers_of(status))

    def on_to(self, address: str) -> RedirectResponse:
        """On to a page after something was done, so that reloading it does nothing again."""
        return RedirectResponse(address, 303, self._headers)

    def _headers_of(self, status: int) -> dict[str, str]:
        after = _RETRY_SECONDS.get(status)
        return self._headers if after is None else {**self._headers, "Retry-After": after}


def asked_language(request: Request, customers: str) -> Language:
    """The language that the address asks for (``?lang=zh|en``), else the customer's."""
    asked = request.query_params.get("lang")
    return language_of(asked if asked is not None and asked in TAGS else customers)


def kept_language(request: Request) -> str:
    """What keeps the language that was asked for in the addresses that a page leads on to."""
    asked = request.query_params.get("lang")
    return f"?lang={asked}" if asked in TAGS else ""


def is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent this form.

    None can know the token in the address, so this is a second line. A browser that keeps the address to itself, as
    our pages ask it to, names the origin ``null``; most say in ``Sec-Fetch-Site`` where it came from.
    """
    site = header(request, b"sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = header(request, b"origin")
    return origin not in (None, "null") and urlsplit(origin or "").netloc != header(request, b"host")
