"""A small valid plan, and ways to spoil it."""

from __future__ import annotations

from services.plan.document import PlanProblem
from services.plan.loading import PlanInvalid, load_plan

SMALL_PLAN = """\
plan:
  name: {zh: 预案, en: The plan}
  operator: {zh: 某电信, en: Some Telecom}
  edition: "1"
  time_zone: Asia/Shanghai
  phone_region: CN
  reference_prefix: RD
staff:
  - {login: head, name: {zh: 甲, en: A}, title: {zh: 经理, en: Manager}, languages: [zh, en], on_duty: true}
  - {login: ann, name: {zh: 乙, en: B}, title: {zh: 专员, en: Specialist}, languages: [zh], on_duty: true}
  - login: bob
    name: {zh: 丙, en: C}
    title: {zh: 工程师, en: Engineer}
    email: bob@example.com
    languages: [zh]
    on_duty: false
calendars:
  - {code: always, name: {zh: 全天候, en: Always}, hours: always}
  - {code: office, name: {zh: 工作时间, en: Office}, hours: {monday-friday: ["09:00-18:00"]}, holidays: CN}
groups:
  - code: leadership
    name: {zh: 领导, en: Lead}
    calendar: always
    head: head
    deputy: ann
    duties: [{zh: 协调, en: Coordinate}]
  - {code: customer_service, name: {zh: 客服, en: Care}, calendar: always, head: ann, duties: [{zh: 受理, en: Receive}]}
  - code: technical_support
    name: {zh: 技术, en: Tech}
    calendar: always
    head: bob
    members: [ann]
    duties: [{zh: 排查, en: Investigate}]
  - {code: market_legal, name: {zh: 法务, en: Legal}, calendar: office, head: ann, duties: [{zh: 审核, en: Review}]}
categories:
  - code: outage
    name: {zh: 故障, en: Outage}
    description: {zh: 故障, en: Down}
    group: technical_support
    subcategories:
      - {code: no_service, name: {zh: 中断, en: No service}, description: {zh: 中断, en: None at all}}
  - {code: billing, name: {zh: 资费, en: Bills}, description: {zh: 资费, en: Money}, group: market_legal}
  - {code: technical_support, name: {zh: 技术, en: Tech}, description: {zh: 帮助, en: Help}, group: technical_support}
  - {code: unclear, name: {zh: 不明, en: Unclear}, description: {zh: 不明, en: Unclear}, group: customer_service}
severities:
  - {code: critical, name: {zh: 特急, en: Critical}, description: {zh: 特急, en: Critical}}
  - {code: major, name: {zh: 严重, en: Major}, description: {zh: 严重, en: Major}}
  - {code: minor, name: {zh: 一般, en: Minor}, description: {zh: 一般, en: Minor}}
  - {code: low, name: {zh: 轻微, en: Low}, description: {zh: 轻微, en: Low}}
deadlines:
  repeat_every: 12h
  default:
    critical: {acknowledge: 1m, respond: 10m, resolve: 8h}
    major: {acknowledge: 2m, respond: 1h, resolve: 24h}
    minor: {acknowledge: 3m, respond: 4h, resolve: 48h}
    low: {acknowledge: 4m, respond: 24h, resolve: 15d}
  outage:
    major: {acknowledge: 2m, respond: 30m, resolve: 12h}
playbooks:
  - code: faults
    name: {zh: 故障处置, en: Faults}
    category: outage
    steps:
      - {code: repair, name: {zh: 修复, en: Repair}, action: repair, within: 8h}
      - {code: result, name: {zh: 告知结果, en: Tell the result}, action: resolve, may_skip: false}
  - code: charges
    name: {zh: 资费处置, en: Charges}
    category: billing
    steps:
      - {code: review, name: {zh: 审核, en: Review}, action: review, within: 2wd}
      - {code: offer, name: {zh: 补偿, en: Offer}, action: compensate, only_if: compensation_wanted}
      - {code: result, name: {zh: 告知结果, en: Tell the result}, action: resolve, may_skip: false}
      - {code: pay, name: {zh: 支付, en: Pay}, action: pay, by: customer_service, only_if: compensation_agreed}
  - code: help
    name: {zh: 技术支持, en: Help}
    category: technical_support
    steps:
      - {code: guide, name: {zh: 指导, en: Guide}, action: guide, within: 4h}
      - {code: result, name: {zh: 告知结果, en: Tell the result}, action: resolve, may_skip: false}
compensation:
  kinds: [refund, credit]
  currencies:
    - {code: CNY}
    - {code: JPY, decimals: 0}
  limits:
    member: {CNY: "99.50"}
    head: {CNY: 1000, JPY: 5000}
    leadership: {CNY: 20000, JPY: 90000}
  legal_check_above: {CNY: 3000}
  paid_by: customer_service
  pay_within: 5wd
contact:
  attempts: 3
awaiting:
  remind_after: [2d, 5d]
  give_back_after: 10d
tasks:
  - {kind: call_customer, name: {zh: 致电, en: Call}, group: customer_service, within: 8h}
  - {kind: pay, name: {zh: 付款, en: Payment}, group: customer_service, within: 6wd}
  - {kind: promotion_review, name: {zh: 核查, en: Check}, group: customer_service, within: 9wd}
  - {kind: site_visit, name: {zh: 上门, en: Visit}, group: technical_support, within: 48h}
  - {kind: other, name: {zh: 其他, en: Other}, group: customer_service, within: 72h}
escalation:
  ladder:
    - {to: assignee, acknowledge_within: 30m}
    - {to: group_head, acknowledge_within: 1h}
    - {to: leadership_head, acknowledge_within: 4h}
  causes:
    deadline_missed: assignee
    estimate_missed: group_head
    reopened: group_head
    regulator_limit: leadership_head
    task_overdue: assignee
reporting:
  ask: {zh: 请知悉, en: Please take note}
knowledge:
  - code: restart
    title: {zh: 重启光猫, en: Restart the modem}
    category: outage
    subcategories: [no_service]
    steps:
      - {zh: 断开电源，等一分钟。, en: Unplug it and wait a minute.}
      - {zh: 重新接通电源。, en: Plug it in again.}
  - code: passwords
    title: {zh: 重置密码, en: Reset a password}
    category: technical_support
    steps: [{zh: 在登录页选择“忘记密码”。, en: Choose forgot password.}]
reopen_within: 30d
close_after_silence: 7d
channels:
  - {code: hotline, name: {zh: 热线, en: Hotline}, answer_by: [sms, email]}
  - {code: online_chat, name: {zh: 在线, en: Chat}, answer_by: [reply_to]}
  - {code: social_media, name: {zh: 社交, en: Social}, answer_by: [reply_to]}
  - {code: app, name: {zh: 应用, en: App}, answer_by: [reply_to]}
  - {code: web, name: {zh: 网站, en: Web}, answer_by: [email]}
  - {code: email, name: {zh: 邮件, en: Mail}, answer_by: [email]}
  - {code: store, name: {zh: 营业厅, en: Shop}, answer_by: [sms]}
  - {code: regulator, name: {zh: 监管, en: Regulator}, answer_by: [webhook]}
services:
  - {code: mobile, name: {zh: 移动, en: Mobile}}
  - {code: fixed_line, name: {zh: 固话, en: Fixed}}
  - {code: broadband, name: {zh: 宽带, en: Broadband}}
  - {code: tv, name: {zh: 电视, en: TV}}
  - {code: other, name: {zh: 其他, en: Other}}
statuses:
  - {code: received, name: {zh: 已受理, en: Received}, next: {zh: 等待, en: Wait}}
  - {code: classified, name: {zh: 已分类, en: Classified}, next: {zh: 等待, en: Wait}}
  - {code: dispatched, name: {zh: 已派单, en: Dispatched}, next: {zh: 等待, en: Wait}}
  - {code: in_progress, name: {zh: 处理中, en: In progress}, next: {zh: 等待, en: Wait}}
  - {code: awaiting_customer, name: {zh: 待回复, en: Your turn}, next: {zh: 回复, en: Answer}}
  - {code: resolved, name: {zh: 已解决, en: Resolved}, next: {zh: 确认, en: Confirm}}
  - {code: closed, name: {zh: 已办结, en: Closed}, next: {zh: 完成, en: Done}}
  - {code: withdrawn, name: {zh: 已撤回, en: Withdrawn}, next: {zh: 完成, en: Done}}
  - {code: rejected, name: {zh: 不受理, en: Rejected}, next: {zh: 复核, en: Appeal}}
notices:
  - {kind: acknowledgement, after: received, name: {zh: 受理, en: Acknowledgement}}
  - {kind: result, after: resolved, name: {zh: 结果, en: Result}, tell: false}
judging:
  unclear_below: 0.5
  reportable: {severities: [critical], signals: [danger]}
  severity_thresholds: {critical: 6, major: 3, minor: 1}
  signals:
    - code: danger
      name: {zh: 危险, en: Danger}
      weight: 6
      phrases: {zh: [触电], en: ['re:life.threatening']}
regions:
  - code: beijing
    name: {zh: 北京市, en: Beijing}
    aliases: [京]
    children:
      - {code: beijing-haidian, name: {zh: 海淀区, en: Haidian}}
      - {code: beijing-chaoyang, name: {zh: 朝阳区, en: Chaoyang}}
  - code: jilin
    name: {zh: 吉林省, en: Jilin}
    children:
      - {code: jilin-jilin, name: {zh: 吉林市, en: Jilin City}}
      - code: changchun
        name: {zh: 长春市, en: Changchun}
        children:
          - {code: nongan, name: {zh: 农安县, en: Nong'an}, kind: country}
          - {code: changchun-chaoyang, name: {zh: 朝阳区, en: Chaoyang}}
  - code: liaoning
    name: {zh: 辽宁, en: Liaoning}
    kind: country
    children: [{code: anshan, name: {zh: 鞍山, en: Anshan}}]
"""


def spoiled(*changes: tuple[str, str]) -> str:
    """The small plan with the second text of each change in place of the first, which must be there once."""
    text = SMALL_PLAN
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the plan"
        text = text.replace(old, new)
    return text


def problems_in(text: str) -> tuple[PlanProblem, ...]:
    """The mistakes that loading reports; none for a valid plan."""
    try:
        load_plan(text)
    except PlanInvalid as invalid:
        return invalid.problems
    return ()


def line_of(text: str, words: str) -> int:
    """The number of the first line that holds ``words``."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)
