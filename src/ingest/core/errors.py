"""Every failure this program knows, one class for each meaning; data rides as attributes.

Permanent or transient is the class: a `PermanentError` is never retried, a `TransientError` always
is, and nothing else may escape `core`, `sources` or `store` for what a caller can send.
"""

from __future__ import annotations


class IngestError(Exception):
    """Base of all our errors. The message names the thing, the reason and the remedy.

    It is shown to people and logged, so it never holds a secret.
    """


class PermanentError(IngestError):
    """The same input will fail the same way for ever: it is never tried again.

    A delivery that raises it ends as `dead`, with the message as its reason.
    """


class TransientError(IngestError):
    """The same input may succeed later: it is always tried again.

    `retry_after_s` is set, in seconds, where somebody told us when.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BadPayload(PermanentError):
    """A payload lacks what its mapping needs; the delivery is `dead` at once.

    path: the JSON path of the field (`data.issue.id`).
    problem: what is wrong with it, in a few words.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"payload field {path}: {problem}")
        self.path = path
        self.problem = problem


class BadSignature(PermanentError):
    """A request that we cannot believe; the receiver answers 401 and stores no delivery.

    `problem` never quotes a secret or the given signature.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class TooLate(PermanentError):
    """A request that is believed, and whose signed time is too long ago for it to be taken.

    Its provider gives up a webhook that refuses, so it is answered 200, counted, and dropped.
    """


class BadRequest(PermanentError):
    """A request that no retry will mend: not JSON, a needed header missing.

    `status` is the answer that HTTP has for it.
    """

    def __init__(self, problem: str, *, status: int = 400) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status


class NotConnected(PermanentError):
    """No such source, or no such connection, for this request."""


class BadSettings(PermanentError):
    """A setting is missing or wrong; the process cannot start."""


class BadInput(PermanentError):
    """A person's input (a command's argument, a file) cannot be used as it is."""


class NotFound(PermanentError):
    """What a person names by its id is not there (any more)."""


class FellBehind(PermanentError):
    """What a consumer of the change feed needs next is deleted: it has to begin with a snapshot.

    position: where it stood. kept_from: the first position that is still there.
    """

    def __init__(self, consumer: str, *, position: int, kept_from: int) -> None:
        who = f"consumer {consumer}" if consumer else "the reader"
        super().__init__(
            f"{who} fell behind: it stands at position {position}, and what was told before "
            f"{kept_from} is deleted; it begins anew with a snapshot of what stands"
        )
        self.position = position
        self.kept_from = kept_from


class LeaseLost(TransientError):
    """Another worker owns these rows now; everything of this attempt is rolled back."""


class Refused(TransientError):
    """A provider does not let the token in (401, 403, or nothing of the connection is readable).

    It may be this one object alone: whoever asked has the token proven first. Where it is not let
    in at all the connection is paused, visibly, and what waits goes on once it is repaired.
    `stale`: it is the token that is not known, or not any more (401): another may be let in.
    `whole`: it is said of the connection, and no proof says otherwise: of where it leads, or by
    whoever makes its tokens.
    """

    def __init__(self, message: str, *, stale: bool = False, whole: bool = False) -> None:
        super().__init__(message)
        self.stale = stale
        self.whole = whole


class Denied(PermanentError):
    """A provider shows the token everything else, and not this one object or list.

    It ends alone, with the reason; nothing is taken for gone, and its connection goes on.
    """


class RateLimited(TransientError):
    """A provider wants its caller to wait, `retry_after_s` seconds.

    It holds for the whole connection.
    """


class BudgetSpent(TransientError):
    """A provider's limit has no more for what nobody waits for: the rest is for live look-ups.

    We say so, and not the provider, `retry_after_s` seconds before there is more: the page or the
    look-up is due then, and whatever is live goes on meanwhile.
    """


class Raced(TransientError):
    """Two transactions met on the same new row; the batch is read and decided again.

    The constraint in the database decides between them, and the loser finds what the winner wrote.
    """


class Costly(TransientError):
    """The database gave up for what was asked of it: a statement took too long, memory ran out.

    It may be the day's load; of a row that stands alone, again and again, it is the row.
    """


class Unavailable(TransientError):
    """A service that we depend on did not answer: PostgreSQL, the broker, a provider's host.

    The batch is given back uncounted, since no row is to blame.
    """


class BrokenSource(Unavailable):
    """A source is installed and cannot be used: its package is broken. The message says how.

    What its provider sends is fine and comes again (503); it is taken once the package is mended
    and the process started anew. What is stored already cannot be read before that.
    """
