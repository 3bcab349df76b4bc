"""A secret as a value: a text whose `repr` says nothing. Performs no I/O."""

from __future__ import annotations


class Secret(str):
    """A token, a key, a webhook's secret in the clear.

    It is a text wherever one is needed. Whatever shows values instead of writing texts (a traceback
    with variables, a debugger, a dataclass's or a list's `repr`) shows that there is one, no more.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)"
