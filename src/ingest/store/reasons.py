"""Reasons by which rows are found again: written when a delivery waits or ends, looked for later.

They are texts that people read too; a program of another version finds rows by the same ones.
"""

from __future__ import annotations

PARKED = "waits for a look-up"
"""The look-up ends the delivery."""
PAUSED = "the connection is paused"
"""Resuming the connection makes it due at once."""
OUTSIDE = "outside connection"
"""Another name of what the connection stands for, once it is known, replays it."""
TOKENLESS = "no token; set one with `ingest source credentials`, and this is replayed"
"""A new token replays what was skipped for a reason that begins so."""
UNPLACED = f"{TOKENLESS}: only a look-up can tell whether the connection's filter wants it"
DENIED = "not shown to the token"
"""The same, and so does resuming the connection: a person may have given the right."""
