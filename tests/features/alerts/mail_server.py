"""A mail server on this machine, as far as sending needs one, and what it took."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """``refusals`` are answered to MAIL commands first, one after the other."""

    port: int = 0
    mails: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 test")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            if word == "MAIL" and self.refusals:
                say(self.refusals.pop(0))
            elif word == "DATA":
                say("354 go on")
                body = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(body.decode())
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                break
            else:
                say("250 fine")
        writer.close()


@contextmanager
def mail_server(**values: object) -> Iterator[MailServer]:
    server, ready = MailServer(**values), threading.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        listener = loop.run_until_complete(asyncio.start_server(server.talk, "127.0.0.1", 0))
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()
        loop.run_forever()
        listener.close()
        loop.run_until_complete(asyncio.sleep(0.05))
        for one in asyncio.all_tasks(loop):
            one.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
