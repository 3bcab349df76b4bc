"""One command of a page as it is typed: what has to be there before it, and what runs beside it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from ingest.core.vault import Vault
from ingest.store import handshakes
from ingest.store.engine import connect, transaction
from tests.docs import endings
from tests.docs.command_lines import documented, is_name
from tests.docs.installation import Installation
from tests.docs.stand_ins import Line
from tests.docs.working import Ran
from tests.factories import SECRET_KEY
from tests.legacy import small_archives
from tests.sinks.hook import NEWER

Meant = TypeVar("Meant")


class _Themselves(dict[str, str]):
    """Each word for itself."""

    def __missing__(self, key: str) -> str:
        return key


LINES = {Line.of(one.text, one.page): one for one in documented()}
NAMES = frozenset(line for line, one in LINES.items() if not one.is_typed and is_name(line.text))
"""Commands that a sentence names without what they need: their help is asked for."""


RUN = [
    *{
        (line.source_type, *line.argv(_Themselves()), line in NAMES): line
        for line in LINES
        if line.text not in endings.NOT_RUN
    }.values()
]
"""Of those that mean one thing (`$ID`, `ID`, `CONNECTION`) one is run."""


@dataclass
class LegacyDatabases:
    """Those of a program before ours: one that is only read, and others that are given up."""

    make: Callable[[], str]

    @cached_property
    def url(self) -> str:
        """Of the one that is only read."""
        return self.make()


@dataclass
class Typed:
    """A line on an installation, in a folder of its own."""

    installation: Installation
    line: Line
    legacy: LegacyDatabases
    more: dict[str, str] = field(default_factory=dict)

    @property
    def argv(self) -> list[str]:
        """What the program is given."""
        argv = self.line.argv(self.installation.words)
        if self.line in NAMES:
            return [*argv, "--help"]
        return [*argv, "--yes"] if self.line.text.startswith(endings.ASKED) else argv

    def prepare(self, beside: ExitStack, state: str | None = None) -> None:
        """Have the installation in the line's state, and what it wants beside it running."""
        text = self.line.text
        own = _by_beginning(endings.STATES, text, endings.GROWN)
        self.installation.rows.put_back(state or own)
        if text.startswith(endings.HEARD):
            port = beside.enter_context(self.installation.receiving())
            self.more["PORT"] = str(port)
        if not {*shlex.split(text)}.isdisjoint(endings.WORKED):
            beside.enter_context(self.installation.working())
        if self.line not in NAMES:
            _by_beginning(FIRST, text, _nothing)(self)

    def run(self) -> Ran:
        """Type it."""
        told = self.line.variables()
        secrets = {name: self._secret(option) for option, name in told}
        return self.installation.run(self.argv, **secrets, **self.more)

    def _secret(self, option: str) -> str:
        return self.installation.secret(self.line.source_type, option)


def _nothing(_: Typed) -> None:
    """Most lines need nothing before them."""


def _index(typed: Typed) -> None:
    assert typed.installation.run(["db", "search", "english"]).code == 0


def _capture(typed: Typed) -> None:
    """Notion has sent its token."""
    notion = typed.installation.words["notion"]
    armed = typed.installation.run(["source", "verification", notion, "--rearm"])
    assert armed.code == 0, armed
    engine = connect(typed.installation.environ["DATABASE_URL"])
    with transaction(engine) as conn:
        assert handshakes.capture(conn, Vault([SECRET_KEY]), "notion", notion, "secret_of_notion")
    engine.dispose()


def _show(typed: Typed) -> None:
    _capture(typed)
    shown = typed.installation.run(["source", "verification", typed.installation.words["notion"]])
    assert shown.code == 0, shown


def _archive(typed: Typed) -> None:
    """Somebody has exported."""
    documents = [small_archives.document("d")]
    place = Path(typed.installation.words["archive"])
    small_archives.make(place, {**small_archives.ABOVE, "documents": documents})


def _of_legacy(typed: Typed) -> None:
    """What `DATABASE_URL` names is the legacy database."""
    typed.more["DATABASE_URL"] = typed.legacy.url


def _in_place(typed: Typed) -> None:
    typed.more |= {"DATABASE_URL": typed.legacy.make(), "INGEST_DATA_DIR": str(Path.cwd())}


def _moved_aside(typed: Typed) -> None:
    _in_place(typed)
    came_in = typed.installation.run(["legacy", "import", "--in-place"], **typed.more)
    assert came_in.code == 0, came_in


def _newer(typed: Typed) -> None:
    """The sink signs with two secrets."""
    rotate = ["changes", "sink", "rotate", typed.installation.words["sink"]]
    rotated = typed.installation.run([*rotate, "--secret-env", "NEWER"], NEWER=NEWER)
    assert rotated.code == 0, rotated


FIRST: Mapping[str, Callable[[Typed], None]] = {
    "ingest changes sink rotate index --end": _newer,
    "ingest docs search": _index,
    "ingest legacy export": _of_legacy,
    "ingest legacy import": _archive,
    "ingest legacy import --in-place": _in_place,
    "ingest legacy import --in-place --drop-old": _moved_aside,
    "ingest legacy verify": _archive,
    "ingest source verification ID": _capture,
    "ingest source verification ID --confirm": _show,
    "ingest source verification ID --rearm": _nothing,
}
"""By how a line begins: what somebody did before."""


def _by_beginning(table: Mapping[str, Meant], text: str, otherwise: Meant) -> Meant:
    begins = [one for one in table if text.startswith(one)]
    return table[max(begins, key=len)] if begins else otherwise
