"""A client in a closed loop: connections that are kept, each asking again once it has an answer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What a client saw.

    Attributes:
        seconds: How long it took in all.
        each: float64 (requests,), how long each took.
        failed: How many were not answered with 200.
    """

    seconds: float
    each: NDArray[np.float64]
    failed: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.each) / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds within which a share of them were answered."""
        return 1000 * float(np.quantile(self.each, share))


def post(path: str, body: bytes) -> bytes:
    """Return a request as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body


class _Connection(asyncio.Protocol):
    """Asks one request after another, and notes how long each took."""

    def __init__(
        self, requests: Sequence[bytes], seen: Callable[[int, bytes], None] | None
    ) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.each: list[float] = []
        self.failed = 0
        self._requests, self._seen = requests, seen
        self._next, self._buffer, self._needed = 0, b"", -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if self._next == len(self._requests):
            self._transport.close()
            self.done.set_result(None)
            return
        self._begun = time.perf_counter()
        self._transport.write(self._requests[self._next])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._needed < 0:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                return
            head = self._buffer[:end].lower()
            length = head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
            self._needed = end + len(HEAD_END) + int(length)
        if len(self._buffer) < self._needed:
            return
        self.each.append(time.perf_counter() - self._begun)
        status = int(self._buffer[9:12])
        self.failed += status != 200
        if self._seen is not None:
            self._seen(self._next, self._buffer)
        self._next, self._buffer, self._needed = self._next + 1, b"", -1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server hung up"))


async def ask_all(
    port: int,
    requests: Sequence[bytes],
    connections: int = 1,
    seen: Callable[[int, bytes], None] | None = None,
) -> Load:
    """Ask some requests, shared among connections, and return what was seen."""
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    made = [
        (
            await loop.create_connection(
                lambda part=requests[first::connections]: _Connection(part, seen),
                "127.0.0.1",
                port,
            )
        )[1]
        for first in range(connections)
    ]
    await asyncio.gather(*(one.done for one in made))
    took = time.perf_counter() - begun
    return Load(
        took,
        np.array([each for one in made for each in one.each]),
        sum(one.failed for one in made),
    )
