"""Admission: what is decided about a request from its head alone, before a byte of its body.

The order is the cheapest first: the source, what the headers say, the form of the signature; then
what has to be looked up, the connection and its secrets. Nothing here believes anything.
"""

from __future__ import annotations

from ingest.core import signing
from ingest.core.errors import BadRequest, IngestError
from ingest.flows.receiving.payload import check_media_type
from ingest.flows.receiving.requests import Head
from ingest.flows.receiving.secrets import Secrets
from ingest.sources.contract import Descriptor, Headers
from ingest.sources.registry import source

LONGEST_HANDSHAKE = 4096
"""The most that an unsigned request may bring, in bytes: a token and nothing else."""
_SOURCE_TYPE_CHARS = 64
_UNCODED = ("", "identity")


def check_head(head: Head) -> Descriptor:
    """What the named source says about itself, once the head makes sense to it.

    Raises `NotConnected` for an unknown source, `BrokenSource` for one that cannot be used,
    `BadRequest` (415, 400) for its headers, and `BadSignature` where the signature is missing or
    cannot be one. Reads no secret and no database.
    """
    descriptor = source(head.source_type[:_SOURCE_TYPE_CHARS]).descriptor
    check_headers(descriptor, head.headers)
    if not may_shake(descriptor, head) or signing.is_signed(descriptor.scheme, head.headers):
        signing.check_form(descriptor.scheme, head.headers)
    return descriptor


def check_headers(descriptor: Descriptor, headers: Headers) -> None:
    """Raise `BadRequest` for a body that we could not read, or where a needed header is missing.

    415 for the media type or a content coding, 400 for a header.
    """
    check_media_type(descriptor, headers)
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in _UNCODED:
        raise BadRequest("content-encoding is not supported; send the body as it is", status=415)
    for name in descriptor.needed_headers:
        if not headers.get(name):
            raise BadRequest(f"header {name} is missing; {descriptor.title} always sends it")


def may_shake(descriptor: Descriptor, head: Head) -> bool:
    """Whether an unsigned handshake may come this way, were it waited for."""
    return descriptor.verification_token is not None and head.connection_id is not None


def longest_body(descriptor: Descriptor, head: Head, secrets: Secrets, limit: int) -> int:
    """How many bytes may follow: `limit` where something can verify them, few for a handshake.

    Raises `BadSignature` where neither is the case: the body would be read for nothing.
    """
    signed = signing.is_signed(descriptor.scheme, head.headers)
    if signed and secrets.live:
        return limit
    if secrets.shakes and may_shake(descriptor, head):
        return min(limit, LONGEST_HANDSHAKE)
    raise signing.unverifiable() if signed else signing.unsigned(descriptor.scheme)


def too_large(limit: int) -> IngestError:
    """The refusal (413) of a body of more bytes than may follow its head."""
    remedy = "; raise INGEST_MAX_BODY_BYTES to accept it" if limit > LONGEST_HANDSHAKE else ""
    return BadRequest(f"the body is larger than {limit} bytes{remedy}", status=413)
