"""What an answer of Linear's API means: what was found, what is missing, who is let in, who waits.

GraphQL answers 200 with `errors` beside `data`; a limit is a 400. Documents: the contract sheet,
section d; linear.app/developers/rate-limiting; `error.ts` of Linear's SDK for the names of errors,
which stand in `extensions.code` (`RATELIMITED`) or `extensions.type` (`ratelimited`).
Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ingest.core.errors import PermanentError, RateLimited, Refused, TransientError
from ingest.core.times import from_epoch_ms
from ingest.core.values import JSON
from ingest.sources.answers import DEFAULT_WAIT_S, Absent, Refusal, Response, Rules

_LIMITED = frozenset({"ratelimited"})
_UNKNOWN = frozenset({"authenticationerror", "unauthenticated"})
_MAYBE_UNKNOWN = re.compile(rb"authentication.?error|unauthenticated", re.IGNORECASE)
_NO_ENTRY = _UNKNOWN | {"forbidden"}
_MISSING = frozenset({"entitynotfound", "notfound"})
_LATER = frozenset({"internalerror", "internalservererror", "locktimeout", "networkerror"})
_LONGEST_S = 3600.0
_LIMITS = ("requests", "complexity", "endpoint-requests")


@dataclass(frozen=True, slots=True)
class Problem:
    """One of an answer's `errors`."""

    message: str
    words: frozenset[str]
    path: tuple[str, ...]

    @property
    def means_missing(self) -> bool:
        """An id that leads nowhere is an input error like others; its message tells it apart."""
        said = self.message.lower()
        return bool(self.words & _MISSING) or said.startswith(
            ("entity not found", "could not find referenced")
        )


def problems(body: JSON) -> list[Problem]:
    """The errors of an answer, whatever else it is."""
    listed = body.get("errors") if isinstance(body, Mapping) else None
    errors: list[Any] = listed if isinstance(listed, list) else []
    return [_problem(error) for error in errors if isinstance(error, dict)]


def taken(body: JSON, root: str, refusal: Refusal) -> JSON:
    """What stands under the root field; None where the object is not there.

    Raises by the meaning of `errors`. Something within the object that the token may not see
    is null there, and no reason to refuse the rest.
    """
    if not isinstance(body, Mapping):
        raise PermanentError("Linear's answer is no GraphQL answer")
    data = body.get("data")
    found: JSON = data.get(root) if isinstance(data, Mapping) else None
    told = problems(body)
    for problem in told:
        _judge(problem, refusal, within=found is not None and len(problem.path) > 1)
    if found is None and not told and not isinstance(data, Mapping):
        raise PermanentError("Linear's answer holds neither data nor errors")
    return found


def knows_token(answer: Response) -> bool:
    """Whether the answer shows that the token is known: GraphQL may say that it is not with 200."""
    if not _MAYBE_UNKNOWN.search(answer.body):
        return True
    return not any(problem.words & _UNKNOWN for problem in problems(answer.json()))


def _judge(problem: Problem, refusal: Refusal, *, within: bool) -> None:
    words, said = problem.words, refusal.quoted(problem.message)
    if words & _LIMITED:
        raise RateLimited(f"Linear's API: {said}", retry_after_s=_wait_s(refusal))
    if problem.means_missing or (within and "forbidden" in words):
        return
    if words & _NO_ENTRY:
        _refuse(said, words)
    if words & _LATER:
        raise TransientError(f"Linear's API: {said}")
    raise PermanentError(f"Linear's API cannot answer: {said}")


def _limit(refusal: Refusal) -> float | None:
    """For `Rules`: a limit is a 400 with an error that says so. Another 400 may speak of the token,
    or of an object that is not there: then this raises `Refused` or `Absent`.
    """
    told = problems(refusal.json())
    words = {word for problem in told for word in problem.words}
    if words & _LIMITED or refusal.status == 429:
        return _wait_s(refusal)
    if words & _NO_ENTRY:
        _refuse(f"HTTP {refusal.status}", words)
    if refusal.status == 400 and any(problem.means_missing for problem in told):
        raise Absent("Linear does not find it", refusal.status)
    return None


RULES = Rules(wait_s=_limit)


def _refuse(said: str, words: Collection[str]) -> NoReturn:
    problem = f"Linear's API does not let the token in: {said}; give a token that may read"
    raise Refused(problem, stale=not _UNKNOWN.isdisjoint(words))


def _wait_s(refusal: Refusal) -> float:
    """Until the later of the limits that are used up is whole again."""
    headers = refusal.headers
    waits = [
        _until(headers.get(f"x-ratelimit-{limit}-reset"), refusal)
        for limit in _LIMITS
        if headers.get(f"x-ratelimit-{limit}-remaining", "").strip().split(".")[0] in ("0", "-0")
    ]
    told = [wait for wait in (*waits, refusal.retry_after_s()) if wait is not None]
    return min(max(told), _LONGEST_S) if told else DEFAULT_WAIT_S


def _until(reset_ms: str | None, refusal: Refusal) -> float | None:
    """[rate-limiting] The reset is in UTC epoch milliseconds."""
    try:
        return refusal.until(from_epoch_ms(float(reset_ms or "")))
    except ValueError:
        return None


def _problem(error: Mapping[str, Any]) -> Problem:
    extensions = error.get("extensions")
    told = extensions if isinstance(extensions, Mapping) else {}
    words = (told.get("code"), told.get("type"))
    return Problem(
        message=str(error.get("message") or "an error without a message"),
        words=frozenset(_plain(word) for word in words if isinstance(word, str)),
        path=_path(error.get("path")),
    )


def _plain(word: str) -> str:
    """`AUTHENTICATION_ERROR`, `authentication error`: one word."""
    return "".join(char for char in word.lower() if char.isalpha())


def _path(told: Any) -> tuple[str, ...]:
    return tuple(map(str, told)) if isinstance(told, Sequence) and not isinstance(told, str) else ()
