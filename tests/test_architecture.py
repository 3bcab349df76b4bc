"""The floors, the sizes and the house rules, as `docs` tell them: read out of the syntax trees.

An exception stands in a table here, with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from ingest.settings import load
from ingest.variables import NAMES
from tests.factories import OURS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ingest"

BESIDE = ("bench", "chaos", "fuzz")
LONGEST_FILE, LONGEST_FUNCTION, MOST_COMPLEX = 400, 50, 12
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}

EDGES = (
    "web",
    "worker",
    "cli",
    "door",
    "bell",
    "broker",
    "budget",
    "checkup",
    "console",
    "demo",
    "kept",
    "machine",
    "pulse",
    "warm",
    "wiring",
    "settings",
    "sinks",
    "startup",
    "telemetry",
    "variables",
    "embedded",
    "logs",
)
DEMOS = "sources/*/demo"
FLOORS: Mapping[str, tuple[str, ...]] = {
    "core": ("core",),
    "sources": ("core", "sources"),
    "store": ("core", "store"),
    "flows": ("core", "sources", "store", "flows"),
    "published": ("core", "sources", "published"),
    "types": ("core", "sources", "published", "types"),
    "queries": ("core", "sources", "published", "types", "store", "queries"),
    "changes": ("core", "store", "changes"),
    "skeleton": ("core", "sources", "skeleton"),
    "testing": ("core", "sources", "published", "testing"),
    DEMOS: ("core", "sources", "testing"),
    "embedded": ("embedded",),
    "logs": (),
}
"""What each floor may import of the program; the edges above may import all that is below.

A provider's `demo` is a floor of its own: it is never loaded while the program runs.
"""

WORLD = {"os", "pathlib", "socket", "subprocess", "threading", "time", "random", "secrets", "uuid4"}
NETWORK = {"httpx", "redis", "celery", "kombu", "urllib.request", "http.client"}
DATABASE = {"sqlalchemy", "psycopg", "alembic"}
FRAMEWORKS = {"starlette", "uvicorn", "typer", "rich", "celery", "kombu", "prometheus_client"}
FOREIGN: Mapping[str, set[str]] = {
    "core": WORLD | NETWORK | DATABASE | FRAMEWORKS | {"structlog", "logging", "pydantic"},
    "sources": WORLD | DATABASE | FRAMEWORKS | {"redis", "structlog", "logging"},
    "store": FRAMEWORKS | NETWORK | {"os", "pathlib", "pydantic"},
    "flows": FRAMEWORKS | NETWORK | {"os", "pathlib"},
    DEMOS: WORLD | NETWORK | DATABASE | FRAMEWORKS | {"structlog", "logging"},
}
"""Which libraries have no business on a floor: values are pure, frameworks stay at the edges."""

FOREIGN_ALLOWED: Mapping[str, set[str]] = {
    "flows/legacy": {"os", "pathlib"},  # an archive is a directory: files are what it is about
}
"""Which rooms may use what their floor has no business with."""

NAMES_ALLOWED: Mapping[str, str] = {
    "flows/legacy": "all that a legacy database holds is of one provider",
    "store/legacy_tables.py": "the legacy database's columns, which are of one provider",
    "store/tables": "the seed's own columns and enum, as the seed spells them",
    "telemetry/faults.py": "faults are reported to a product of that provider's, by its library",
}
"""Where a provider may be named outside its folder, and why."""
WORDS_ALLOWED: Mapping[str, str] = {
    "INGEST_SENTRY_DSN": "a variable by the name that everybody knows of what it holds",
}
"""Words in which a provider's name may stand anywhere, and why."""


@cache
def _trees() -> Mapping[Path, ast.Module]:
    beside = (path for name in BESIDE for path in (ROOT / name).rglob("*.py"))
    files = [*PACKAGE.rglob("*.py"), *beside]
    return {path: ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(files)}


def _of(floor: str) -> list[tuple[Path, ast.Module]]:
    """The modules of a floor: a folder of the package, or the one file of that name."""
    if floor == DEMOS:
        return [(path, tree) for path, tree in _trees().items() if _is_demo(path)]
    folder, file = PACKAGE / floor, PACKAGE / f"{floor}.py"
    return [
        (path, tree)
        for path, tree in _trees().items()
        if (path == file or folder in path.parents) and not (floor == "sources" and _is_demo(path))
    ]


def _is_demo(path: Path) -> bool:
    """Whether it is of a provider's `demo`."""
    return PACKAGE in path.parents and path.relative_to(PACKAGE).match(f"{DEMOS}/*")


def _ours() -> list[tuple[Path, ast.Module]]:
    return [(path, tree) for path, tree in _trees().items() if PACKAGE in path.parents]


def _shown(path: Path, node: ast.AST | None = None) -> str:
    line = f":{node.lineno}" if isinstance(node, ast.stmt | ast.expr | ast.excepthandler) else ""
    return f"{path.relative_to(ROOT)}{line}"


def _imports(tree: ast.Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every module named by an import, `from a import b` as `a` and as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node, node.module
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def _floor_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "ingest" and len(parts) > 1 else None


def test_every_module_stands_on_a_floor() -> None:
    known = {*FLOORS, *EDGES}
    found = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path, _ in _ours()}
    assert found - {"__init__"} <= known


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_nothing_from_above_or_beside_it(floor: str) -> None:
    allowed = {*FLOORS[floor], "__path__"}
    wrong = [
        f"{_shown(path, node)} imports {module}"
        for path, tree in _of(floor)
        for node, module in _imports(tree)
        if (found := _floor_of(module)) is not None and found not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("floor", FOREIGN)
def test_a_floor_knows_no_library_that_belongs_elsewhere(floor: str) -> None:
    wrong = [
        f"{_shown(path, node)} imports {module}"
        for path, tree in _of(floor)
        for node, module in _imports(tree)
        if not module.startswith("ingest")
        and any(module == f or module.startswith(f"{f}.") for f in FOREIGN[floor] - _allowed(path))
    ]
    assert not wrong


def _allowed(path: Path) -> set[str]:
    rooms = [room for room in FOREIGN_ALLOWED if PACKAGE / room in path.parents]
    return set().union(*(FOREIGN_ALLOWED[room] for room in rooms))


def test_no_provider_imports_another() -> None:
    wrong = [
        f"{_shown(path, node)} imports {module}"
        for name in OURS
        for path, tree in _of(f"sources/{name}")
        for node, module in _imports(tree)
        if module.startswith("ingest.sources.") and module.split(".")[2] in OURS - {name}
    ]
    assert not wrong


def test_what_is_for_demo_and_tests_is_not_loaded_while_the_program_runs() -> None:
    """No provider's `demo` is named by an import: `ingest.testing` finds it in the registry."""
    wrong = [
        f"{_shown(path, node)} imports {module}"
        for path, tree in _ours()
        for node, module in _imports(tree)
        if not _is_demo(path)
        if re.match(r"ingest\.sources\.\w+\.demo\b", module)
        or (_floor_of(module) == "testing" and not _tells_the_story(path))
    ]
    assert not wrong


def _tells_the_story(path: Path) -> bool:
    return bool({"demo", "testing"} & set(path.relative_to(PACKAGE).with_suffix("").parts))


def test_the_network_is_known_to_the_rooms_around_the_client_alone() -> None:
    """And to the demo, which plays the providers, and to what posts to an operator's webhook. No
    provider's folder reaches past `Api`.
    """
    rooms = {PACKAGE / "sources" / name for name in ("home.py", "http.py", "transport.py")}
    rooms.add(PACKAGE / "sinks" / "webhook.py")
    wrong = [
        _shown(path, node)
        for path, tree in _ours()
        for node, module in _imports(tree)
        if module.split(".")[0] in {"httpx", "httpcore"}
        and path not in rooms
        and PACKAGE / "demo" not in path.parents
    ]
    assert not wrong


def test_values_and_adapters_read_no_clock() -> None:
    wrong = [
        _shown(path, node)
        for floor in ("core", "sources", DEMOS)
        for path, tree in _of(floor)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
        if isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date"}
    ]
    assert not wrong


def test_sql_is_written_in_the_store_alone() -> None:
    """And by what starts the embedded server, which has its own database to make."""
    statement = re.compile(
        r"^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s*\()",
        re.IGNORECASE,
    )
    wrong = [
        _shown(path, node)
        for path, tree in _ours()
        if not {PACKAGE / "store", PACKAGE / "embedded"} & set(path.parents)
        for node, text in _literals(tree)
        if statement.match(text)
    ]
    assert not wrong


# A provider is named in its own folder and nowhere else.


def _docstrings(tree: ast.Module) -> set[int]:
    """The expressions that only document: the first of a body, or after a name."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _literals(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    documenting = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documenting:
            value = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            if isinstance(value, str):
                yield node, value


def _words(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Everything that is code: literals, names, attributes, arguments and what is defined."""
    yield from _literals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node, node.id
        elif isinstance(node, ast.Attribute):
            yield node, node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node, node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node, node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            named = node.module if isinstance(node, ast.ImportFrom) else None
            yield node, " ".join(filter(None, (named, *(alias.name for alias in node.names))))


def test_a_provider_is_named_in_its_own_folder_only() -> None:
    """A seventh source is one new folder: no code elsewhere may know the six."""
    names = re.compile("|".join(OURS), re.IGNORECASE)
    exempt = {PACKAGE / place for place in NAMES_ALLOWED}
    exempt |= {PACKAGE / "sources" / name for name in OURS}
    wrong = [
        f"{_shown(path, node)} says {text[:60]!r}"
        for path, tree in _ours()
        if not exempt & {path, *path.parents}
        for node, text in _words(tree)
        if names.search(re.sub("|".join(WORDS_ALLOWED), "", text))
    ]
    assert not wrong


# Sizes and names.


def test_a_file_says_what_it_is_and_stays_readable() -> None:
    texts = {path: path.read_text("utf-8") for path in _trees()}
    long = {_shown(path): n for path, t in texts.items() if (n := t.count("\n")) > LONGEST_FILE}
    assert long == {}
    silent = [
        _shown(path)
        for path, tree in _trees().items()
        if texts[path].strip() and not ast.get_docstring(tree)
    ]
    assert silent == [], "no first sentence"


def _functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def test_no_function_is_longer_than_a_page() -> None:
    wrong = [
        f"{_shown(path, node)} {node.name}: {length} lines"
        for path, node in _functions()
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not wrong


_BRANCHES = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.match_case,
)


def _complexity(function: ast.AST) -> int:
    """McCabe's figure, with what hides in an expression: one way through, and one more for each
    branch, loop, handler, assertion and case, for each loop and condition of a comprehension, and
    for each `and` and `or`. What is defined inside counts too.
    """
    return 1 + sum(map(_ways_added, ast.walk(function)))


def _ways_added(node: ast.AST) -> int:
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    return int(isinstance(node, _BRANCHES))


@pytest.mark.parametrize(
    ("written", "complexity"),
    [
        ("def f(): return 1", 1),
        ("def f(a):\n if a: return 1\n elif a > 1: return 2\n else: return 3", 3),
        ("def f(a): return [b for b in a if b and b > 1 if b < 9]", 5),
        ("def f(a):\n try: assert a\n except OSError: pass\n while a or 1: a = 0 if a else 1", 6),
        ("def f(a):\n match a:\n  case 1: pass\n  case _: pass", 3),
    ],
)
def test_complexity_is_counted_as_it_says(written: str, complexity: int) -> None:
    assert _complexity(ast.parse(written).body[0]) == complexity


def test_every_function_reads_as_a_table_of_contents() -> None:
    """One with more ways through it than anybody holds in mind is several."""
    wrong = [
        f"{_shown(path, node)} {node.name}: complexity {complexity}, over {MOST_COMPLEX}"
        for path, node in _functions()
        if (complexity := _complexity(node)) > MOST_COMPLEX
    ]
    assert not wrong


def test_no_module_has_a_name_that_says_nothing() -> None:
    wrong = [
        _shown(path)
        for path in [*_trees(), *(ROOT / "tests").rglob("*.py")]
        if SAY_NOTHING & {path.stem, *(part.lower() for part in path.relative_to(ROOT).parts)}
    ]
    assert not wrong


# House rules.


CATCH_ALL: Mapping[str, str] = {
    "src/ingest/flows/deliveries/normalise.py": "one net around a single delivery",
    "src/ingest/sources/registry.py": "the import of a source runs code that is not ours",
}
"""Where everything is caught, and why; a clean-up that raises again is none."""


def test_everything_is_caught_in_few_places() -> None:
    nets = [
        _shown(path)
        for path, tree in _ours()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and not _raises_again(node)
    ]
    assert nets == sorted(CATCH_ALL)


def _catches_all(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(
        isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"}
        for node in ast.walk(handler.type)
    )


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node, node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield node, f".{node.func.attr}"


def test_only_the_command_line_prints() -> None:
    wrong = [
        _shown(path, node)
        for path, tree in _ours()
        if PACKAGE / "cli" not in path.parents
        for node, name in _calls(tree)
        if name == "print"
    ]
    assert not wrong


def test_no_pattern_asks_for_what_older_pythons_get_wrong() -> None:
    """Before 3.11.5 `re` is wrong on atomic groups and on possessive repeats of a group."""
    misread = re.compile(r"\(\?>|(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")
    assert misread.search("(?:ab)*+")
    wrong = [
        f"{_shown(path, node)} says {text[:60]!r}"
        for path, tree in _ours()
        for node, text in _literals(tree)
        if misread.search(text)
    ]
    assert not wrong


def test_one_place_commits() -> None:
    """`store.engine.transaction`, at the end of its block; nobody else says `commit`.

    The upgrade has its own session under a lock, and looks at a schema that it takes back.
    """
    own_session = {
        PACKAGE / "embedded",
        PACKAGE / "store" / "upgrade.py",
        PACKAGE / "store" / "migrations.py",
    }
    commits = [
        _shown(path, node)
        for path, tree in _ours()
        for node, name in _calls(tree)
        if name == ".commit" or (name == ".begin_nested" and path not in own_session)
    ]
    begins = [
        _shown(path)
        for path, tree in _ours()
        for _, name in _calls(tree)
        if name == ".begin" and not own_session & {path, *path.parents}
    ]
    assert not commits
    assert begins == ["src/ingest/store/engine.py"]


class _Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return default

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)


def _read_elsewhere() -> set[str]:
    """Variables that other modules than the settings take out of an environment, by name."""
    constants = {
        target.id: node.value.value
        for _, tree in _ours()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: set[str] = set()
    for _, tree in _ours():
        for node in ast.walk(tree):
            asked: ast.expr | None = None
            if isinstance(node, ast.Call) and _is_environment(node.func):
                asked = node.args[0] if node.args else None
            elif isinstance(node, ast.Subscript) and _is_environment(node):
                asked = node.slice
            if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
                found.add(asked.value)
            elif isinstance(asked, ast.Name) and asked.id in constants:
                found.add(constants[asked.id])
    return found


def _is_environment(node: ast.expr) -> bool:
    """`….environ.get(…)`, `environ[…]`, `os.getenv(…)`, or a mapping called environment."""
    text = ast.unparse(node)
    return bool(re.search(r"(\benviron(ment)?\b.*(\.get$|\[))|\bgetenv$", text))


def test_every_variable_that_is_read_is_documented() -> None:
    asked = _Asked()
    load(asked)
    documented = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    names = asked.names | _read_elsewhere() | {"INGEST_<SOURCE>_WEBHOOK_SECRETS"}
    assert names > {"DATABASE_URL", "INGEST_DATA_DIR"}
    assert not sorted(name for name in names if name not in documented)


def test_every_variable_that_is_read_is_known_and_no_other_is() -> None:
    """What is missing among the names is told to be no setting; what is too many is never read."""
    asked = _Asked()
    load(asked)
    ours = {name for name in _read_elsewhere() if name.startswith("INGEST_")}
    assert asked.names | ours == set(NAMES)
    assert list(NAMES) == sorted(NAMES)


def test_the_environment_is_taken_in_few_places() -> None:
    """Where a process starts; everybody else gets it as a parameter."""
    allowed = {
        "src/ingest/cli/main.py": "the process's own, handed on",
        "src/ingest/wiring.py": "the composition root",
        "src/ingest/startup.py": "looked over once, for what nobody reads",
        "src/ingest/embedded/binaries.py": "named programs of the machine",
        "src/ingest/embedded/stack.py": "handed on to children",
    }
    found = {
        _shown(path)
        for path, tree in _ours()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        if isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert found <= set(allowed)
