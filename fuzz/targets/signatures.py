"""Signatures of each source, judged by a model of its own: what nobody signed is not believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random

from fuzz import texts, trees
from fuzz.target import Target, Value, hold
from fuzz.targets.deliveries import sendable
from fuzz.targets.sources import SECRET, Subject
from ingest.core import signing
from ingest.core.errors import BadRequest, BadSignature, TooLate
from ingest.core.signing import Scheme
from ingest.core.values import JSON
from ingest.flows.receiving.admission import check_head
from ingest.flows.receiving.requests import Head
from ingest.testing.laws.fixtures import RECEIVED_AT


def target(subject: Subject) -> Target:
    """Requests of a source, signed and then bent."""
    scheme = subject.source.descriptor.scheme
    seeds = []
    for one in subject.suite.fixtures[:8]:
        body = repr(dict(one.body))[:200]
        told = dict(one.headers)
        if scheme.prefix_header is not None:
            told.setdefault(scheme.prefix_header.lower(), "2026-03-02T12:00:00Z")
        told[scheme.header.lower()] = signing.sign(scheme, told, body.encode(), SECRET)
        seeds.append({"headers": told, "body": body, "payload": {}, "secret": SECRET})
    return Target(
        f"signatures-{subject.name}", seeds, partial(_bent, scheme), partial(_check, subject)
    )


def _bent(scheme: Scheme, rng: Random, value: Value, others: Sequence[Value]) -> Value:
    drawn = rng.random()
    if drawn < 0.25:
        return {**value, "body": texts.bent(rng, value["body"], most=texts.LONG)}
    if drawn < 0.35:
        return {**value, "secret": rng.choice(("", "x", SECRET, *scheme.refused_secrets))}
    if drawn < 0.5:
        time = scheme.time.name if scheme.time is not None else "time"
        told = trees.leaf(rng, rng.choice(texts.TIMES))
        return {**value, "payload": {time: told}, "headers": {**value["headers"], time: str(told)}}
    names = [scheme.header.lower(), *value["headers"]]
    name = rng.choice(names) if rng.random() < 0.5 else names[0]
    signature = value["headers"].get(name, "")
    bent = texts.bent(rng, signature, most=texts.LONG) if drawn < 0.8 else signature.swapcase()
    return {**value, "headers": {**value["headers"], name: bent}}


def _check(subject: Subject, value: Value) -> None:
    scheme = subject.source.descriptor.scheme
    headers = sendable(value["headers"])
    body = value["body"].encode("utf-8", "replace")
    secrets = [value["secret"], ""]
    try:
        signing.verify(scheme, headers, body, secrets)
    except BadSignature:
        is_believed = False
    else:
        is_believed = True
    hold(is_believed == is_signed(scheme, headers, body, secrets), f"believed: {is_believed}")
    hold(not is_believed or _is_formed(scheme, headers), "what is believed is refused by its form")
    with suppress(BadRequest, BadSignature):
        check_head(Head(subject.name, "c1", headers))
    _fresh(scheme, headers, value["payload"])


def _fresh(scheme: Scheme, headers: Mapping[str, str], payload: JSON) -> None:
    with suppress(BadSignature, TooLate):
        signing.check_fresh(scheme, headers, payload, RECEIVED_AT)


def _is_formed(scheme: Scheme, headers: Mapping[str, str]) -> bool:
    try:
        signing.check_form(scheme, headers)
    except BadSignature:
        return False
    return True


def is_signed(
    scheme: Scheme, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]
) -> bool:
    """The provider's own reckoning, written apart from the program's."""
    names = [name.lower() for name in (scheme.header, *scheme.other_headers)]
    given = next((headers[name] for name in names if headers.get(name)), None)
    if given is None:
        return False
    if scheme.prefix_header is not None:
        before = headers.get(scheme.prefix_header.lower())
        if not before:
            return False
        body = before.encode("utf-8", "replace") + body
    for secret in secrets:
        if secret and secret not in scheme.refused_secrets:
            made = hmac.new(secret.encode(), body, getattr(hashlib, scheme.algorithm)).digest()
            text = made.hex() if scheme.encoding == "hex" else base64.b64encode(made).decode()
            if scheme.prefix + text == given:
                return True
    return False
