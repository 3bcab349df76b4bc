"""Reads a webhook's raw bytes as the JSON object that they are. Pure; at receipt and by workers."""

from __future__ import annotations

from urllib.parse import parse_qs

from ingest.core.errors import BadPayload, BadRequest
from ingest.core.values import JSON, loads
from ingest.sources.contract import Descriptor, Headers

_JSON_TYPES = ("application/json", "+json")
_FORM = "application/x-www-form-urlencoded"
_FORM_BEGINS = b"payload="


def check_media_type(descriptor: Descriptor, headers: Headers) -> None:
    """Raise a 415 for anything but JSON (and the form encoding of the source that has one).

    A `BadRequest`; a request that names no media type passes.
    """
    media_type = _media_type(headers)
    if media_type == _FORM and descriptor.accepts_forms:
        return
    if media_type and not media_type.endswith(_JSON_TYPES):
        raise BadRequest("content-type is not JSON's; send application/json", status=415)


def read_payload(descriptor: Descriptor, headers: Headers, body: bytes) -> dict[str, JSON]:
    """The payload as an object; raises `BadPayload` where the body is not one.

    Whether it is a form is told by the signed bytes: nobody signs the header that says so, and a
    JSON text in which somebody wrote `&payload=…` would be a form of his own making.
    """
    if descriptor.accepts_forms and body.startswith(_FORM_BEGINS):
        body = _form_payload(body)
    elif _media_type(headers) == _FORM:
        raise BadPayload("payload", "the body is no form; send JSON, or payload=… alone")
    payload = loads(body, raw_controls=descriptor.templated)
    if not isinstance(payload, dict):
        raise BadPayload("$", f"is {type(payload).__name__}, not an object")
    return payload


def _form_payload(body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=1, strict_parsing=True)
        return fields["payload"][0].encode("utf-8", "surrogatepass")
    except (UnicodeDecodeError, ValueError, KeyError) as error:
        raise BadPayload("payload", "the form has other fields too; send JSON") from error


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
