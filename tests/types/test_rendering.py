"""How a model becomes TypeScript and JSON Schema: as what is stored of it, and in no other way."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from ingest.published import Family, Mark, Member, Published, json_schema, typescript
from ingest.published.relationships import relationships
from ingest.published.shape import shape
from ingest.published.typescript import type_of


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Inside(_Wire):
    may_push: bool


class Shown(_Wire):
    """A type of everything. */ It ends no comment."""

    type: Literal["gopher"] = "gopher"
    kind: Literal["hole", "tunnel"]
    a_text: str
    a_number: float | None = None
    bounded: Annotated[list[str], Field(min_length=1)] | None = None
    with_default: int = 7
    choices: list[Literal["a", "b"]]
    one_of_two: str | int
    anything: Any
    free: dict[str, Any] | None = None
    by_name: dict[str, list[str]]
    inside: Inside | None = None
    many: list[Inside]
    told: str | None


class Other(_Wire):
    type: Literal["gopher"] = "gopher"
    kind: str
    """Open."""


class Filed(_Wire):
    type: Literal["gopher"] = "gopher"
    kind: Literal["file"] | None = None


SHOWN = """\
/** A type of everything. * / It ends no comment. */
export interface Shown {
  type: "gopher";
  kind: "hole" | "tunnel";
  aText: string;
  aNumber?: number;
  bounded?: string[];
  withDefault: number;
  choices: ("a" | "b")[];
  oneOfTwo: string | number;
  anything: unknown;
  free?: Record<string, unknown>;
  byName: Record<string, string[]>;
  inside?: {
    mayPush: boolean;
  };
  many: {
    mayPush: boolean;
  }[];
  told?: string;
}
"""


def _published(*documents: Member) -> Published:
    return Published(
        Family("DocumentSourceMetadata", "AnyDocumentSourceMetadata", documents),
        Family("EventMetadata", "AnyEventMetadata", ()),
        Family("SourceConnectionMetadata", None, ()),
        relationships(["gopher"]),
    )


OPEN = Mark("kind", (), others=("hole", "tunnel", "file"))
THREE = _published(
    Member("gopher", Shown, is_seeds=True, mark=Mark("kind", ("hole", "tunnel"))),
    Member("gopher", Filed, is_seeds=False, mark=Mark("kind", ("file",), optional=True)),
    Member("gopher", Other, is_seeds=False, mark=OPEN),
)


def test_an_interface_is_what_is_stored() -> None:
    assert SHOWN in typescript(THREE)


def test_what_is_required_is_what_is_always_stored() -> None:
    stored = Shown(
        kind="hole",
        a_text="",
        choices=[],
        one_of_two=1,
        anything=1,
        by_name={},
        many=[],
        told=None,
    ).model_dump(by_alias=True, exclude_none=True)
    assert set(shape(Shown)["required"]) == stored.keys()


def test_the_unions_hold_the_seeds_and_all() -> None:
    told = typescript(THREE)
    assert "export type DocumentSourceMetadata =\n  | Shown;\n" in told
    every = "  | Shown\n  | Filed\n  | Other;\n"
    assert f"export type AnyDocumentSourceMetadata =\n{every}" in told
    assert f"export type AnyShown =\n{every}" in told
    assert "export type EventMetadata = never;\n" in told


def _body_of(guard: str) -> str:
    _, _, rest = typescript(THREE).partition(f"export function {guard}(")
    said = " ".join(rest.partition("return ")[2].partition(";\n")[0].split())
    return said.removeprefix("( ").removesuffix(" )")


@pytest.mark.parametrize(
    ("guard", "body"),
    [
        (
            "isShown",
            'value.type === "gopher" && (value.kind === "hole" || value.kind === "tunnel")',
        ),
        (
            "isFiled",
            'value.type === "gopher" && (value.kind === undefined || value.kind === "file")',
        ),
        (
            "isOther",
            'value.type === "gopher" && value.kind !== "hole" && value.kind !== "tunnel" && '
            'value.kind !== "file"',
        ),
        ("isDocumentSourceMetadata", "isShown(value)"),
    ],
)
def test_a_guard_asks_for_the_mark(guard: str, body: str) -> None:
    assert _body_of(guard) == body


def test_a_lonely_member_is_told_by_its_source_alone() -> None:
    told = typescript(_published(Member("gopher", Other, is_seeds=True)))
    assert '{\n  return value.type === "gopher";\n}\n' in told


def test_the_schema_is_of_what_is_stored_too() -> None:
    definitions = json_schema(THREE)["$defs"]
    shown = definitions["Shown"]
    assert shown["properties"]["bounded"] == {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
    }
    assert shown["properties"]["inside"] == {"$ref": "#/$defs/Inside"}
    assert shown["properties"]["told"] == {"type": "string"}
    assert "told" not in shown["required"]


def test_in_the_schema_an_open_mark_leaves_its_neighbours_out() -> None:
    definitions = json_schema(THREE)["$defs"]
    assert definitions["Other"]["properties"]["kind"]["not"] == {"enum": ["hole", "tunnel", "file"]}
    assert definitions["DocumentSourceMetadata"] == {"oneOf": [{"$ref": "#/$defs/Shown"}]}
    assert definitions["EventMetadata"] == {"not": {}}


def test_what_a_typed_dict_does_not_require_is_optional() -> None:
    class Pair(TypedDict):
        one: str
        other: NotRequired[int]

    class Holder(_Wire):
        pair: Pair

    told = typescript(_published(Member("gopher", Holder, is_seeds=True)))
    assert "  pair: {\n    one: string;\n    other?: number;\n  };\n" in told


def test_a_name_that_is_no_identifier_is_quoted() -> None:
    class Odd(_Wire):
        model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

        two_words: str

    assert '  "two-words": string;' in typescript(_published(Member("gopher", Odd, is_seeds=True)))


@pytest.mark.parametrize("told", [{"allOf": [{}]}, {"patternProperties": {}}, {"not": {}}])
def test_a_schema_that_cannot_be_said_is_refused_and_not_guessed(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no word"):
        type_of(told, {})
