"""Speaking to one contact: a URL of apprise, one message, and what came of it.

Everything here blocks and is called in threads. Two robots are spoken to directly: those of DingTalk and WeCom answer
200 also when they refuse a message, which apprise takes for success.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import unquote

import httpx
from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.plugins import N_MGR
from apprise.plugins.base import NotifyBase
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.wecombot import NotifyWeComBot

from services.plan.findings import did_you_mean

_SCHEME: Final = re.compile(r"([a-z][a-z0-9]{0,30})://", re.IGNORECASE)
# "Too many requests", as HTTP and the robots say it: Feishu 11232, DingTalk 130101, WeCom 45009.
_TOO_FAST: Final = re.compile(r"\b(?:error=429|code=11232|130101|45009)\b")
_LONGEST_REASON: Final = 300
# Parts of apprise have no types.
_SERVICES: Final[Any] = N_MGR


@dataclass(frozen=True, slots=True)
class Message:
    """What a contact is told. ``id`` stays the same when it is told again; ``title`` is one line."""

    id: str
    title: str
    body: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer made of a message: ``taken``, ``refused`` (or out of reach), ``throttled``; and why."""

    outcome: Literal["taken", "refused", "throttled"]
    reason: str = ""


class _RefusedError(Exception):
    """The robot did not take it; the text says why."""


def keep_secrets_out_of_logs() -> None:
    """Silence what libraries log themselves: it holds tokens. What they have to say of a failure is in its reason."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logging.getLogger("urllib3").setLevel(logging.WARNING)


def service_of(url: str) -> str:
    """Which service a URL is for, such as ``dingtalk``; empty when it names none."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def what_is_wrong(url: str) -> str | None:
    """Why nothing could be sent to this URL, and what to write; None when it is in order. Shows nothing of its secrets.

    Whether the peer knows the secret is found out by the first message only.
    """
    service = service_of(url)
    if not service:
        return "this is no apprise URL; write for example dingtalk://TOKEN or mailtos://user:password@host?to={email}"
    known = _known_services()
    if service not in known:
        return f'"{service}" is no service that apprise knows; {did_you_mean(service, known)}'
    plugin = _instance(url)
    if plugin is None:
        described = _SERVICES[service]
        forms = ", ".join(form.replace("{schema}", service) for form in described.templates[:3])
        return f"this is no complete URL for {described.service_name}; its forms: {forms}; see {described.setup_url}"
    # Addresses that are none are left out by apprise without a word.
    if isinstance(plugin, NotifyEmail) and not plugin.targets:
        return "nobody would get this mail; write to= with an e-mail address, or to={email}"
    return None


def send(url: str, message: Message) -> Answer:
    """Tell the contact behind ``url``. Raises nothing that the peer or the network is the cause of."""
    plugin = _instance(url)
    if plugin is None:
        return Answer("refused", "the URL can't be read any more")
    robot = _ROBOTS.get(type(plugin))
    try:
        if robot is not None:
            robot(plugin, message)
            return Answer("taken")
        return _through_apprise(plugin, message)
    except (_RefusedError, httpx.HTTPError) as error:
        return _failed(plugin, str(error) or type(error).__name__)


def _through_apprise(plugin: NotifyBase, message: Message) -> Answer:
    if isinstance(plugin, NotifyEmail):
        # So that out-of-office programs keep silent, and a mail that came twice can be told to be the same.
        plugin.headers |= {"Auto-Submitted": "auto-generated", "Redress-Alert": message.id}
    kind = NotifyType.WARNING if message.urgent else NotifyType.INFO
    speaker = Apprise(asset=plugin.asset)
    speaker.add(plugin)
    with speaker.notify(
        body=message.body, title=message.title, notify_type=kind, body_format=NotifyFormat.TEXT
    ) as result:
        if result:
            return Answer("taken")
        said = [entry.message for one in result.results for entry in one.logs()]
    return _failed(plugin, " ".join(dict.fromkeys(said)) or "the peer did not take it")


def _dingtalk(plugin: Any, message: Message) -> None:
    parameters = {"access_token": plugin.token}
    if plugin.secret:
        stamp = str(round(time.time() * 1000))
        signed = hmac.new(plugin.secret.encode(), f"{stamp}\n{plugin.secret}".encode(), hashlib.sha256)
        parameters |= {"timestamp": stamp, "sign": base64.b64encode(signed.digest()).decode()}
    content = {
        "msgtype": "text",
        "text": {"content": f"{message.title}\n{message.body}"},
        "at": {"atMobiles": plugin.targets, "isAtAll": False},
    }
    _post(plugin, plugin.notify_url.partition("?")[0], parameters, content)


def _wecom(plugin: Any, message: Message) -> None:
    content = {"msgtype": "text", "text": {"content": f"{message.title}\n{message.body}"}}
    _post(plugin, plugin.notify_url.partition("?")[0], {"key": plugin.key}, content)


def _post(plugin: NotifyBase, url: str, parameters: Mapping[str, str], content: object) -> None:
    answer = httpx.post(
        url,
        params=parameters,
        json=content,
        timeout=httpx.Timeout(plugin.socket_read_timeout, connect=plugin.socket_connect_timeout),
        verify=plugin.verify_certificate,
        follow_redirects=False,
    )
    if answer.status_code != httpx.codes.OK:
        raise _RefusedError(f"error={answer.status_code}")
    try:
        said = answer.json()
    except ValueError:
        raise _RefusedError("the answer is not the robot's: no JSON") from None
    if not isinstance(said, dict) or said.get("errcode") != 0:
        code, words = (said.get("errcode"), said.get("errmsg")) if isinstance(said, dict) else (None, None)
        raise _RefusedError(f"errcode={code} {words}")


_ROBOTS: Final[Mapping[type, Callable[[Any, Message], None]]] = {NotifyDingTalk: _dingtalk, NotifyWeComBot: _wecom}


def _failed(plugin: NotifyBase, reason: str) -> Answer:
    reason = _without_secrets(plugin, " ".join(reason.split()))[:_LONGEST_REASON]
    return Answer("throttled" if _TOO_FAST.search(reason) else "refused", reason)


def _without_secrets(plugin: Any, text: str) -> str:
    """The text without what apprise itself hides when it shows the URL."""
    secrets = _pieces(plugin.url()) - _pieces(plugin.url(privacy=True))
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def _pieces(url: str) -> set[str]:
    return {piece for part in re.split(r"[/:@?&=]+", url) if len(piece := unquote(part)) > 3}


def _instance(url: str) -> NotifyBase | None:
    """A fresh one each time: apprise makes an instance that has just sent wait, and contacts are paced elsewhere."""
    # Neither threads nor a time limit of its own: it is called in a thread that somebody waits for.
    asset = AppriseAsset(
        app_id="Redress", app_desc="Redress", service_timeout=0, async_mode=False, http_redirects=False
    )
    return Apprise.instantiate(url, asset=asset)


def _known_services() -> list[str]:
    return sorted(_SERVICES.schemas(include_disabled=False))
