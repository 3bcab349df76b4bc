"""The forms of what ends in a request: ids, slugs, names; and the one way into a URL's path.

Law: nothing that a payload, a hint, an answer or a connection's metadata says adds a segment to a
path, drops one, or begins a query; and nothing says more than one line. Performs no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import quote

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ingest.core.errors import PermanentError, Refused
from ingest.core.values import JSON

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a text has to have; as an annotation of pydantic's it is checked with the field.

    pattern: a regular expression for the whole of it.
    said: what it is, for whoever gives it: "a slug: …".
    """

    pattern: str
    said: str

    def fits(self, told: object) -> TypeGuard[str]:
        """Whether it is a text of this form."""
        return isinstance(told, str) and re.fullmatch(self.pattern, told) is not None

    def check(self, told: str) -> str:
        """The text itself; raises `ValueError` that says what it should be, and not what it is."""
        if not self.fits(told):
            raise ValueError(f"give {self.said}")
        return told

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


DIGITS = Form(r"[0-9]{1,19}", "a number, in digits")
WORD = Form(r"[!-~]{1,512}", "one word of printable ASCII, of 512 characters at most")
"""An id that is compared with others and ends in no request."""
NAME = Form(
    r"[^\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]{1,255}",
    "a name of one line, of 255 characters at most",
)
"""What people call something."""
ID = Form(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}",
    "an id, or a slug as it stands in the provider's URLs: letters, digits, '-', '_' and '.'",
)
"""An id or a slug that is a segment of a path or a parameter."""

SEGMENT = Form(
    r"(?!\.{1,2}\Z)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,255}",
    "a text of one line, of 255 characters at most, and neither '.' nor '..'",
)

"""What may be any text, and still is one segment of a path once it is quoted."""


def segment(told: JSON, what: str, form: Form = SEGMENT) -> str:
    """What is told, as one segment of a URL's path; `what` names it: "an issue's id".

    Raises `PermanentError` where it has not that form, or could not be one segment alone.
    """
    if not (form.fits(told) and SEGMENT.fits(told)):
        shown = repr(told)[:_SHOWN] if isinstance(told, str | int) else "what was told"
        raise PermanentError(f"{shown} is not {what}, which is {form.said}")
    return quote(told, safe="")


def own(metadata: Mapping[str, JSON], name: str, form: Form) -> str | None:
    """A field of a connection's metadata that a request is made of; None where there is none.

    Raises `Refused`, which pauses the connection and lets its deliveries wait, where it has not its
    form: connections of earlier versions were not asked for any.
    """
    told = metadata.get(name)
    if told is None or told == "":
        return None
    if not form.fits(told):
        raise Refused(
            f"{name} in the connection's metadata cannot be used in a request; connect the source "
            f"again, and give {form.said}"
        )
    return told


def needed(metadata: Mapping[str, JSON], name: str, form: Form) -> str:
    """The same of a field that nothing goes without; raises `Refused` where it is missing too."""
    told = own(metadata, name, form)
    if told is None:
        raise Refused(
            f"{name} is missing in the connection's metadata; connect the source again, and give "
            f"{form.said}"
        )
    return told
