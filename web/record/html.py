"""The record as an HTML page: one file that loads nothing, for screens of any width and for printing on A4."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined

from web.record.document import Document


class Pages:
    """The template, and the policy that lets its own style in and nothing else."""

    def __init__(self) -> None:
        templates = Environment(
            loader=PackageLoader("web.record"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = templates.get_template("record.css").render()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._record = templates.get_template("record.html")
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def write(self, document: Document) -> str:
        """The page. All words of the document are escaped."""
        return self._record.render(record=document, tag="zh-CN" if document.language == "zh" else "en")
