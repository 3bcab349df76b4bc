"""What was thrown, and where: an event's exceptions, else its crashed thread, else its stack.

Documents: develop.sentry.dev, "Event Payloads": Exception, Thread and Stack Trace Interface. Law:
exceptions and frames are told oldest first, and shown newest first. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.core.bounds import MARK
from ingest.core.values import JSON
from ingest.sources.sentry.interfaces import field, listed, part, value, values
from ingest.sources.sentry.lines import LONGEST_LINE, fact, fenced, line, shortened
from ingest.sources.sentry.payloads import Event, word
from ingest.sources.wire import items, mapping, nonblank, objects

MOST_THROWN, _MOST_FRAMES = 10, 50
LONGEST_VALUE = 2_000
_ORDINARY = frozenset({"generic", "chained"})
"""Mechanisms that say nothing of how an exception came to be seen."""

_Frames = Sequence[Mapping[str, JSON]]


def thrown(told: Mapping[str, JSON]) -> str | None:
    """`Type: value`, of an exception or of the metadata of an issue."""
    said = filter(None, (nonblank(told, "type"), nonblank(told, "value")))
    return shortened(": ".join(said), LONGEST_VALUE) or None


def traces(event: Event) -> Iterator[str]:
    """A heading, what is known beside it and the frames, of each that the event has."""
    chain, threads = values(event, "exception"), values(event, "threads")
    stack = _frames_in(part(event, "stacktrace"))
    images = _images(event)
    if not chain:
        thread = _crashed(threads)
        frames = _frames_in(thread) if thread else ()
        if frames or stack:
            yield _thread_heading(thread) if frames else "### Stack"
            yield _shown(frames or stack, images)
        return
    frames_of = [_frames_in(one) for one in chain]
    if not frames_of[-1]:
        frames_of[-1] = _frames_of_thread(chain[-1], threads)
    if not any(frames_of):
        frames_of[-1] = stack
    yield from _chain(chain, frames_of, images)


def _chain(
    chain: Sequence[Mapping[str, JSON]], frames_of: Sequence[_Frames], images: Sequence[_Image]
) -> Iterator[str]:
    """The one that was seen last first; of very many the last ones, and the first cause of all."""
    names = _names(chain)
    order = range(len(chain) - 1, -1, -1)
    left_out = len(chain) - MOST_THROWN
    for number, at in enumerate(order):
        if left_out > 0 and MOST_THROWN - 1 <= number < len(chain) - 1:
            if number == MOST_THROWN - 1:
                yield f"[{MARK} {left_out} more exceptions]"
            continue
        yield from _exception(chain[at], names)
        if frames_of[at]:
            yield _shown(frames_of[at], images)


def _exception(told: Mapping[str, JSON], names: Mapping[str, str]) -> Iterator[str]:
    """Its heading; what it says beyond one line; and how it was seen."""
    mechanism = mapping(told, "mechanism")
    named = thrown(told) or nonblank(mechanism, "description") or "Exception"
    heading = line(named)
    yield f"### {heading}"
    said = nonblank(told, "value") or ""
    if heading.endswith(MARK) or "\n" in said.strip():
        yield shortened(said, LONGEST_VALUE)
    facts = "\n".join(_facts(mechanism, names))
    if facts:
        yield facts


def _facts(mechanism: Mapping[str, JSON], names: Mapping[str, str]) -> Iterator[str]:
    """`mechanism`: what caught it, whether that was handled, and what it is to another one."""
    type_, handled = nonblank(mechanism, "type"), mechanism.get("handled")
    caught = [type_] if type_ and type_ not in _ORDINARY else []
    if handled is False:
        caught.append("unhandled")
    yield from fact("Mechanism", [one for one in caught if one])
    meta = mapping(mechanism, "meta")
    signals = [nonblank(meta, kind, "name") for kind in ("signal", "mach_exception", "errno")]
    yield from fact("Signal", [name for name in signals if name])
    source, parent = nonblank(mechanism, "source"), word(value(mechanism, "parent_id"))
    if source and parent is not None and parent in names:
        yield from fact("Relation", [f"`{source}` of {names[parent]}"])


def _names(chain: Sequence[Mapping[str, JSON]]) -> dict[str, str]:
    """Types of exceptions by the ids that a group gives them."""
    found: dict[str, str] = {}
    for one in chain:
        id_ = word(value(mapping(one, "mechanism"), "exception_id"))
        if id_ is not None:
            found[id_] = nonblank(one, "type") or "Exception"
    return found


# Threads.


def _frames_of_thread(last: Mapping[str, JSON], threads: Sequence[Mapping[str, JSON]]) -> _Frames:
    """Of the thread that an exception names, else of the one that crashed."""
    id_ = word(value(last, "thread_id"))
    named = [one for one in threads if id_ is not None and word(one.get("id")) == id_]
    thread = _crashed(named) or _crashed(threads)
    return _frames_in(thread) if thread else ()


def _crashed(threads: Sequence[Mapping[str, JSON]]) -> Mapping[str, JSON] | None:
    """Of the threads that have frames the crashed one, else the current one, the main one, any."""
    with_frames = [one for one in threads if _frames_in(one)]
    return min(with_frames, key=_standing, default=None)


def _standing(thread: Mapping[str, JSON]) -> int:
    marks = ("crashed", "current", "main")
    told = (at for at, mark in enumerate(marks) if thread.get(mark) is True)
    return next(told, len(marks))


def _thread_heading(thread: Mapping[str, JSON] | None) -> str:
    told = thread or {}
    name = field(told, "name") or word(told.get("id")) or ""
    states = [mark for mark in ("crashed",) if told.get(mark) is True]
    states += [state] if (state := field(told, "state")) else []
    said = f" ({', '.join(states)})" if states else ""
    return f"### {line(f'Thread {name}'.strip() + said)}"


# Frames.


@dataclass(frozen=True, slots=True)
class _Image:
    """A file that was loaded, and where."""

    name: str
    first: int
    size: int


def _images(event: Event) -> Sequence[_Image]:
    found: list[_Image] = []
    for told in objects(mapping(part(event, "debug_meta")), "images"):
        first, size = _address(value(told, "image_addr")), _address(value(told, "image_size"))
        name = field(told, "code_file") or field(told, "debug_file") or ""
        if first is not None and size and name:
            found.append(_Image(_base(name), first, size))
    return found


def _frames_in(raw: JSON | Mapping[str, JSON]) -> _Frames:
    """The frames of a stack, or of what has one: as symbols and source maps read them, else raw."""
    for name in ("stacktrace", "raw_stacktrace"):
        found = [*objects(value(raw, name), "frames")]
        if found:
            return found
    return [*objects(raw, "frames")]


def _shown(told: _Frames, images: Sequence[_Image]) -> str:
    """Those of the program itself are enough where it has any."""
    own = [one for one in told if value(one, "in_app") is True]
    frames = own or told
    lines = [said for frame in reversed(frames[-_MOST_FRAMES:]) for said in _frame(frame, images)]
    if len(frames) > _MOST_FRAMES:
        lines.append(f"{MARK} {len(frames) - _MOST_FRAMES} older frames")
    return fenced("\n".join(lines))


def _frame(frame: Mapping[str, JSON], images: Sequence[_Image]) -> Iterator[str]:
    number = word(value(frame, "lineno")) or word(frame.get("lineNo"))
    function = field(frame, "function") or field(frame, "raw_function")
    yield line(f"{function or '?'} ({_place(frame, number, images, named=function is not None)})")
    code = _code(frame, number)
    if code:
        yield f"    {code}"


def _place(
    frame: Mapping[str, JSON], number: str | None, images: Sequence[_Image], *, named: bool
) -> str:
    """File and line, the column too where all is in one line; else the library, and the address
    where nothing else is known.
    """
    where = nonblank(frame, "filename") or nonblank(frame, "module")
    library = _base(nonblank(frame, "package") or "")
    address = None if where or named else _address(value(frame, "instruction_addr"))
    if address is not None:
        return _within(images, library, address)
    column = word(value(frame, "colno")) or word(frame.get("colNo"))
    found = where or library or field(frame, "abs_path") or "?"
    return ":".join(filter(None, (found, number, column if number == "1" else None)))


def _within(images: Sequence[_Image], library: str, address: int) -> str:
    """An address, as far from where its file was loaded as that is known."""
    image = next((one for one in images if one.first <= address < one.first + one.size), None)
    if image is not None:
        return f"{image.name} +{address - image.first:#x}"
    return f"{library} {address:#x}".strip()


def _code(frame: Mapping[str, JSON], number: str | None) -> str:
    """The frame's own line: told, or among the lines around it."""
    told = field(frame, "context_line")
    for around in listed(frame, "context"):
        pair = items(around)
        if told is None and len(pair) == 2 and number is not None and word(pair[0]) == number:
            told = nonblank(pair[1])
    return line(told or "", LONGEST_LINE)


def _address(raw: JSON) -> int | None:
    """A number, or its hexadecimal digits as a text."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0:
        return raw
    try:
        return int(raw, 16) if isinstance(raw, str) and len(raw) < 20 else None
    except ValueError:
        return None


def _base(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
