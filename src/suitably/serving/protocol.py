"""HTTP on a connection: uvicorn's protocol, which also hangs up on who never finishes asking."""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["Protocol"]

_Base: Any = AutoHTTPProtocol


class Protocol(_Base):  # type: ignore[misc]
    """Bounds how long the head of a request may take to arrive.

    uvicorn bounds how long a connection may be idle between requests, and the application how long
    a body may take; in between, a client that sends a byte now and then would keep its connection.
    """

    seconds: float = 10.0
    """How long from the connection, or from a request's first byte, to the end of its headers."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Wait on where the head of a request is not complete."""
        super().data_received(data)
        if self._is_asked():
            self._leave()
        elif self.cycle is None or not self.timeout_keep_alive_task:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._leave()
        super().connection_lost(exc)

    def _is_asked(self) -> bool:
        """Return whether the head of a request is complete, and its answer is not."""
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().call_later(self.seconds, self._hang_up)

    def _leave(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        self._deadline = None
        if not self._is_asked() and not self.transport.is_closing():
            self.transport.close()
