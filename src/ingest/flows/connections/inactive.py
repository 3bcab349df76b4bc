"""What a connection that does not act waits for, in the words of a person's remedy. Pure."""

from __future__ import annotations

from ingest.store.connections import DISCONNECTED, PAUSED, REFUSED


def waits_inactive(connection_id: str, status: str | None, problem: str | None) -> str:
    """What all waits for that belongs to a connection which is not active."""
    if status == REFUSED:
        said = f" ({problem})" if problem else ""
        return (
            f"a token that its provider lets in{said}: ingest source credentials {connection_id} "
            "--token-env VAR"
        )
    if status == PAUSED:
        return f"its connection, which is paused: ingest source resume {connection_id}"
    if status == DISCONNECTED:
        return f"its connection, which is disconnected: ingest source resume {connection_id}"
    return f"its connection, which is {status or 'not active'}"
