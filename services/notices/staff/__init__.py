"""Telling staff outside their inbox: by mail, by the robots of WeCom, DingTalk and Feishu, by Slack, Teams and others.

The operator's contacts file says who is told where (`contacts`). Alerts that are written down are given to the contacts
that want them (`routing`), and a loop tells each contact what waits for it (`sending`). Customers are told elsewhere.
"""
