"""The one way into a path, and the forms of what ends in a request."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from ingest.core.errors import PermanentError, Refused
from ingest.sources.forms import DIGITS, ID, NAME, SEGMENT, WORD, Form, needed, own, segment
from ingest.sources.github.names import BRANCH, FULL_NAME, NODE_ID, OWNER, PATH

HOSTILE = st.text(alphabet="./\\?#%@:;&=+ \t\n\r\x00\x7f\x85\u2028aA1é\ud800", max_size=24)
anything = st.one_of(HOSTILE, st.text(max_size=300))


@given(told=anything)
def test_whatever_is_told_is_one_segment_or_none(told: str) -> None:
    try:
        path = segment(told, "an id")
    except PermanentError:
        return
    url = httpx.URL(f"https://api.example.test/a/{path}/b")
    assert url.raw_path == f"/a/{path}/b".encode()
    assert url.raw_path.count(b"/") == 3
    assert (url.query, url.fragment, url.host) == (b"", "", "api.example.test")
    assert unquote(path) == told


@pytest.mark.parametrize("told", ["", ".", "..", "a\nb", "a\x00", "\x85", "\ud800", "x" * 256])
def test_what_could_be_no_segment_is_none(told: str) -> None:
    with pytest.raises(PermanentError, match="is not an id, which is"):
        segment(told, "an id")


@pytest.mark.parametrize("told", [None, 5, True, ["a"], {"a": 1}, 1.5])
def test_only_a_text_is_a_segment(told: object) -> None:
    with pytest.raises(PermanentError, match="an id"):
        segment(told, "an id")  # type: ignore[arg-type]


def test_an_id_of_a_known_form_has_that_form() -> None:
    assert segment("5001", "an id", DIGITS) == "5001"
    with pytest.raises(PermanentError, match="a number, in digits"):
        segment("5001a", "an id", DIGITS)


_REFS = ["main", "feature/round-once", "v1.2", "ünï/cödé", "a#b", "release/2026.03", "@", "a%2e"]
_NO_REFS = ["", "../../user", "a..b", "-x", "a b", "/a", "a/", "a//b", "x.lock", "x.lock/y", "a?b"]
_NO_REFS += ["a*", "a[", "a\\b", "a~1", "a^", "a:b", "a@{1", "a/.b", "a.", "\n"]
_NO_PATHS = ["", "/", "../x", "a/../b", "a//b", "a\nb", "a/", "a\\b"]


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (DIGITS, ["0", "730400001"], ["", "-1", "1.0", "٣", "1\n", "9" * 20]),
        (ID, ["prj_1", "5001", "front-end", "a.b", "_x", "-"], ["", ".", "..", ".a", "a/b", "a b"]),
        (ID, ["web-h7x2lamp5-halcyon.vercel.app"], ["a\n", "é", "a%2e", "a?b", "a#b", "x" * 201]),
        (WORD, ["workspace-1", "unnamed:a/b", "!"], ["", "a b", "a\n", "é", "x" * 513]),
        (NAME, ["Halcyon Rail", "ハルシオン", "a/b"], ["", "a\nb", "a\u2028b", "x" * 256]),
        (OWNER, ["halcyon", "a_b", "0-0", ".github"], ["", "..", ".", "a/b", "é", "x" * 101]),
        (FULL_NAME, ["halcyon/web", "a/.github", "a/b.c"], ["a", "a/b/c", "a/..", "../b", "a/ b"]),
        (BRANCH, _REFS, _NO_REFS),
        (PATH, ["lightfast.yml", "/docs/a b.yml"], _NO_PATHS),
        (NODE_ID, ["MDEyOk9y=", "DC_kwDOA", "a+/b"], ["", "a b", 'a"b', "a\n", "{x}"]),
    ],
)
def test_a_form_has_what_is_used_and_nothing_else(
    form: Form, good: list[str], bad: list[str]
) -> None:
    assert [told for told in good if not form.fits(told)] == []
    assert [told for told in bad if form.fits(told)] == []


@given(told=anything)
def test_whatever_fits_an_id_is_one_segment_as_it_is(told: str) -> None:
    if ID.fits(told):
        assert SEGMENT.fits(told)
        assert segment(told, "an id") == told


class _Told(BaseModel):
    slug: Annotated[str, ID]
    more: list[Annotated[str, DIGITS]] | None = None


def test_a_field_is_checked_by_its_form_and_its_value_is_not_said() -> None:
    assert _Told.model_validate({"slug": "web", "more": ["1"]}).more == ["1"]
    with pytest.raises(ValidationError) as raised:
        _Told.model_validate({"slug": "a secret/", "more": ["1", "x"]})
    faults = raised.value.errors(include_url=False, include_input=False)
    assert [fault["loc"] for fault in faults] == [("slug",), ("more", 1)]
    assert "letters, digits" in faults[0]["msg"]
    assert "a secret" not in faults[0]["msg"]


def test_a_form_is_published_as_a_pattern() -> None:
    shown = _Told.model_json_schema()["properties"]
    assert shown["slug"] == {"pattern": f"^(?:{ID.pattern})$", "title": "Slug", "type": "string"}


@pytest.mark.parametrize("told", ["..", "a/b", "a\nb", 5, ["x"], True])
def test_metadata_of_old_that_no_request_can_hold_is_named_and_not_used(told: object) -> None:
    with pytest.raises(Refused, match="projectSlug in the connection's metadata") as raised:
        own({"projectSlug": told}, "projectSlug", ID)  # type: ignore[dict-item]
    assert "a/b" not in str(raised.value)


def test_what_is_not_there_is_none_or_missing() -> None:
    for absent in ({}, {"slug": None}, {"slug": ""}):
        assert own(absent, "slug", ID) is None
        with pytest.raises(Refused, match="slug is missing in the connection's metadata"):
            needed(absent, "slug", ID)
    assert needed({"slug": "web"}, "slug", ID) == "web"
