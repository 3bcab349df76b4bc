"""`python -m bench.relay PORT TO_PORT SECONDS`: a server as far away as that; each direction takes
half of it. What is sent together arrives together, in its order.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

HOST = "127.0.0.1"
_PART = 2**18


async def relay(port: int, to_port: int, seconds: float) -> None:
    """Until it is cancelled."""
    lines: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, to_port)
        for way in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(_carry(*way, seconds / 2))
            lines.add(task)
            task.add_done_callback(lines.discard)

    server = await asyncio.start_server(accept, HOST, port)
    async with server:
        await server.serve_forever()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float
) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while part := await reader.read(_PART):
            loop.call_later(delay_s, writer.write, part)
    loop.call_later(delay_s, writer.close)


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
