"""How a webhook request becomes a row of the queue, or a refusal; nothing acts on what it says.

`intake` is the one way, and the table of contents: `admission` (the head), `secrets`, `verify` (the
signature; the arrival), `arrivals` (the row), `handshake`. `messages` reads requests that do not
come over HTTP; `group_commit` stores what comes at once in one transaction.
"""
