"""How many rows travel in one statement: as one JSON parameter that PostgreSQL unfolds.

`jsonb_to_recordset` gives one statement for any number of rows and lets orjson do the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson


def as_json(rows: Iterable[Mapping[str, object]]) -> str:
    """The rows as the text of one JSON parameter, for `jsonb_to_recordset(CAST(:rows AS jsonb))`.

    Raises what orjson raises for a value that JSON does not have; times become ISO 8601.
    """
    return orjson.dumps(list(rows)).decode()
