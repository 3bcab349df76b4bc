"""For whoever writes a source, inside this repository or outside: what it is tested with.

`source_laws` is the contract of all sources as a class of tests, for one line of pytest; `fakes` is
the scaffolding of a fake provider, `faults` its bad weather, `sample` what the demo and the tests
need of a source, `signing` sends what a provider would. The laws need the extra `testing`; nothing
else here does.

A public room. Nothing of the program imports it but the demo, so that nothing of it is loaded while
the program runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.testing.laws import source_laws

__all__ = ["source_laws"]


def __getattr__(name: str) -> Any:
    """The laws, read when they are asked for: a program that runs has no pytest."""
    if name != "source_laws":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import hypothesis  # noqa: F401, PLC0415 - an extra, and not needed to run the program
        import pytest  # noqa: PLC0415 - the same
    except ImportError as error:
        raise ImportError(
            f"the laws of sources need {error.name}: pip install 'lightfast-ingest[testing]'"
        ) from error
    if f"{__name__}.laws" not in sys.modules:
        pytest.register_assert_rewrite(f"{__name__}.laws")
    from ingest.testing.laws import source_laws  # noqa: PLC0415 - after pytest knows of it

    return source_laws
