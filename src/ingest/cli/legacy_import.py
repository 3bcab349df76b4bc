"""`ingest legacy import`: an archive comes in, or a legacy database within itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from ingest.cli import output
from ingest.cli.amounts import count
from ingest.cli.arguments import AsJson
from ingest.cli.legacy_progress import StepShown, shown
from ingest.cli.session import Session, session
from ingest.core.errors import BadInput
from ingest.flows.legacy.archive import Archive
from ingest.flows.legacy.import_archive import Imported, Wishes, import_archive, require_schema
from ingest.flows.legacy.in_place import LegacyPlace, drop_old, import_in_place, try_in_place
from ingest.flows.legacy.lines import to_json
from ingest.flows.legacy.manifest import MANIFEST, file_of
from ingest.flows.legacy.reporting import RULES, WHATS, RowFinding
from ingest.sources.registry import source_types
from ingest.store.legacy_tables import LEGACY_TABLES

REPORT = "import-report.jsonl"
PARTIAL = ".partial"
_STEPS: Mapping[str, str] = {
    "export": "exporting the legacy tables",
    "verify": "looking the archive over",
    "move aside": "comparing the archive with the tables, and moving them aside",
    "compare": "comparing the archive with the tables",
    "upgrade": "making our schema",
    "import": "importing",
    "done": "all of it is here",
}
_NEXT = (
    "No secret came along. Give each connection its own: ingest source credentials ID "
    "--webhook-secret-env VAR --token-env VAR (`ingest source list` names them)",
    "With its first token a connection is read whole, which brings texts and chunks",
)
_NEXT_IN_PLACE = (
    "The old tables stand aside, as legacy_…. When nobody needs them any more: ingest legacy "
    "import --in-place --drop-old",
)

Directory = Annotated[
    Path | None, typer.Argument(metavar="DIR", help="The archive's directory.", show_default=False)
]
InPlace = Annotated[
    bool,
    typer.Option(
        "--in-place",
        help="Bring the legacy database that DATABASE_URL names over within itself: export it to "
        "DIR (by default below the data directory), move its tables aside, make the schema, and "
        "import.",
    ),
]
DropOld = Annotated[
    bool,
    typer.Option(
        "--drop-old",
        help="With --in-place, once all of it came in: drop the tables that were moved aside.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"Where each row that is not kept as it was is told; {REPORT} in DIR by default.",
    ),
]


def import_(
    context: typer.Context,
    directory: Directory = None,
    *,
    in_place: InPlace = False,
    drop: DropOld = False,
    dry_run: DryRun = False,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Bring an archive in. Running it again does no harm: what is here stays as it is.

    Every row is accounted for: kept, changed, guessed or refused, by a rule that the report names.
    """
    if drop and (not in_place or dry_run):
        raise BadInput("--drop-old goes with --in-place, and without --dry-run")
    if drop and report is not None:
        raise BadInput("--drop-old brings nothing in, and has no report: leave --report out")
    if directory is None and not in_place:
        raise BadInput("name the archive's directory, or give --in-place")
    _require_no_file_of_an_archive(report)
    current = session(context)
    if drop:
        _drop(current, directory, as_json=as_json)
        return
    where = None if dry_run else (directory or _default(current)) / REPORT
    told = _ImportReport(report or where)
    with told.written(), shown("import", as_json=as_json) as tell:
        place, wishes = _place(current, directory, tell), Wishes(told.take, tell)
        done = _import(current, place, wishes, in_place=in_place, dry_run=dry_run)
    _tell(done, told.path, in_place=in_place, as_json=as_json)


def _drop(current: Session, directory: Path | None, *, as_json: bool) -> None:
    with shown("verify", as_json=as_json) as tell:
        dropped = drop_old(_place(current, directory, tell), tell)
    output.record({"dropped": list(dropped)}, as_json=as_json)


def _require_no_file_of_an_archive(report: Path | None) -> None:
    """A report that stands in its place would be the end of it."""
    if report is not None and report.name in {MANIFEST, *map(file_of, LEGACY_TABLES)}:
        raise BadInput(f"--report {report} is called as a file of an archive is: name another one")


def _default(current: Session) -> Path:
    return current.program.settings.data_dir / "legacy"


def _place(current: Session, directory: Path | None, tell: StepShown) -> LegacyPlace:
    def turn_to(step: str) -> None:
        output.note(_STEPS[step])
        tell.step = step

    return LegacyPlace(
        current.engine,
        directory,
        _default(current),
        version("lightfast-ingest"),
        source_types(),
        step=turn_to,
    )


def _import(
    current: Session, place: LegacyPlace, wishes: Wishes, *, in_place: bool, dry_run: bool
) -> Imported:
    if in_place:
        return try_in_place(place, wishes) if dry_run else import_in_place(place, wishes)
    archive = Archive.open((place.directory or place.default).resolve())
    require_schema(current.engine, source_types())
    return import_archive(current.engine, archive, wishes, is_dry=dry_run)


@dataclass(slots=True)
class _ImportReport:
    """The report on its way: it has its name once it is whole."""

    path: Path | None
    file: TextIO | None = None

    def take(self, finding: RowFinding) -> None:
        """One more line."""
        if self.path is not None:
            self._opened(self.path).write(f"{to_json(finding.as_json())}\n")

    @contextmanager
    def written(self) -> Iterator[None]:
        """Give it its name at the end of the block."""
        try:
            yield
            if self.path is not None:
                self._opened(self.path).flush()
                Path(f"{self.path}{PARTIAL}").replace(self.path)
        finally:
            if self.file is not None:
                self.file.close()

    def _opened(self, path: Path) -> TextIO:
        if self.file is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = Path(f"{path}{PARTIAL}")
                partial.touch(mode=0o600)
                self.file = partial.open("w", encoding="utf-8")
            except OSError as error:
                raise BadInput(
                    f"the report cannot be written to {path}: {error.strerror}; name another place "
                    "with --report FILE"
                ) from error
        return self.file


def _tell(done: Imported, report: Path | None, *, in_place: bool, as_json: bool) -> None:
    following = [] if done.is_dry else [*_NEXT, *(_NEXT_IN_PLACE if in_place else ())]
    if as_json:
        output.document(_data(done, report, following))
        return
    output.rows(
        [{"table": name, **counts} for name, counts in done.tally.as_json().items()],
        as_json=False,
        columns=("table", "rows", *WHATS, "written"),
        empty="nothing is there to be imported",
    )
    for rule, times in sorted(done.tally.rules.items()):
        output.line(f"{count(times)} {rule}: {RULES[rule]}")
    if report is not None:
        output.note(f"Each of them, row by row: {report}")
    for one in following:
        output.note(one)


def _data(done: Imported, report: Path | None, following: Sequence[str]) -> dict[str, Any]:
    return {
        "archive": done.archive or None,
        "directory": done.directory or None,
        "dry_run": done.is_dry,
        "rows": sum(counts["rows"] for counts in done.tally.as_json().values()),
        "report": str(report) if report is not None else None,
        "tables": done.tally.as_json(),
        "rules": dict(sorted(done.tally.rules.items())),
        "next": list(following),
    }
