"""`ingest docs search`: documents by the words in them, the best first."""

from __future__ import annotations

from typing import Annotated

import typer

from ingest.cli import output
from ingest.cli.arguments import AsJson, Limit, OfSource, OfStore
from ingest.cli.session import session
from ingest.core.errors import BadInput
from ingest.store import text_search
from ingest.store.engine import transaction
from ingest.store.text_search import MOST_HITS

_COLUMNS = ("id", "source_type", "source_id", "title", "found")
BEST = 20


def search(
    context: typer.Context,
    words: Annotated[
        str, typer.Argument(help='All of these; "in this order", or, -not as in search engines.')
    ],
    *,
    store: OfStore = None,
    source: OfSource = None,
    limit: Limit = BEST,
    as_json: AsJson = False,
) -> None:
    """Find documents by the words in their texts, the best first."""
    with transaction(session(context).engine) as conn:
        language = text_search.language(conn)
        if language is None:
            raise BadInput(
                "the texts are not indexed for search; `ingest db search english` (or another "
                "language, or `simple`) builds the index while others write"
            )
        found = text_search.search(
            conn, words, language, limit=limit, store_id=store, source_type=source
        )
    empty = f"No document has these words, as {language} reads them."
    output.rows(found, as_json=as_json, columns=_COLUMNS, empty=empty)
    if found and found[0]["cut"]:
        output.note(f"Over {MOST_HITS} passages have these words; the best of some are shown.")
