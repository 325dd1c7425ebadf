"""Reading If-Match."""

from __future__ import annotations

import pytest

from web.etags import etag, parse_if_match
from web.problems import PreconditionRequired
from web.validation import Malformed


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ("*", None),
        (" * ", None),
        ('"3"', {3}),
        ('W/"3"', {3}),
        ('"3", "4",W/"5"', {3, 4, 5}),
        (', "3" ,, "4"', {3, 4}),
        ('"abc"', set()),
        ('"abc", "3"', {3}),
        ('""', set()),
        (etag(12), {12}),
        ('"' + "9" * 30 + '"', set()),
    ],
)
def test_a_header_names_the_versions_that_were_seen(header: str, versions: set[int] | None) -> None:
    assert parse_if_match(header) == versions


@pytest.mark.parametrize("header", ["", "3", '"3', "'3'", '"3" "4"', 'w/"3"', '*, "3"', '"3" x'])
def test_a_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(Malformed, match="If-Match"):
        parse_if_match(header)


def test_a_missing_header_is_asked_for() -> None:
    with pytest.raises(PreconditionRequired, match="ETag"):
        parse_if_match(None)
