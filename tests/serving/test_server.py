"""The server itself, in a process of its own: slow clients, the end, and a kill."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.banks import folder_of

from suitably.serving import ModelFolder

BODY = b'{"user_id": "u01", "k": 3}'
CONFIG = "[limits]\nbody_seconds = 1.5\nkeep_alive_seconds = 2\n[canary]\nusers = 10\n"


class Server:
    """A server that can be asked byte by byte."""

    def __init__(self, models: Path, *options: str) -> None:
        self.models = models
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        config = models.parent / "suitably.toml"
        config.write_text(CONFIG)
        self._command = [sys.executable, "-m", "suitably", "serve", str(models)]
        self._command += ["--config", str(config), "--port", str(self.port), *options]
        self.log = models.parent / "log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log)
        deadline = time.monotonic() + 100
        while True:
            try:
                self.get("/readyz")
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as reply:
            return reply.read()

    def ask(self, body: bytes = BODY) -> dict[str, Any]:
        head = {"Content-Type": "application/json"}
        where = f"http://127.0.0.1:{self.port}/v1/recommendations"
        request = urllib.request.Request(where, body, head)
        with urllib.request.urlopen(request, timeout=30) as reply:
            said: dict[str, Any] = json.load(reply)
            return said

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            finally:
                self.process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    models = tmp_path_factory.mktemp("service") / "models"
    models.mkdir()
    folder_of(models, "v1", "v2")
    server = Server(models)
    yield server
    server.end()


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


HEAD = b"POST /v1/recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_body_that_never_ends(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        reply = read_all(connection)  # answered, and closed
    assert reply.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in reply
    assert server.ask()["version"] == "v1"


def test_a_head_that_never_ends(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /v1/recommendations HTTP/1.1\r\nHost:")
        assert read_all(connection) == b""  # the server hangs up
    with server.connect() as connection:
        assert read_all(connection) == b""
    assert server.ask()["version"] == "v1"


def test_ten_megabytes_are_not_read(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 10000000\r\n\r\n")
        reply = read_all(connection)
    assert reply.startswith(b"HTTP/1.1 413")
    with server.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(200):
                connection.sendall(b"10000\r\n" + b"1" * 0x10000 + b"\r\n")
            reply = read_all(connection)
        except OSError:  # hung up while we were sending
            reply = b"HTTP/1.1 413"
    assert reply.startswith(b"HTTP/1.1 413")
    assert server.ask()["version"] == "v1"


def test_what_is_no_http(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert b" 400 " in read_all(connection).split(b"\r\n")[0] + b" 400 "
    assert server.ask()["version"] == "v1"


def test_a_promotion_from_the_command_line_is_noticed(server: Server) -> None:
    try:
        ModelFolder(server.models).promote("v2", by="somebody")
        deadline = time.monotonic() + 60
        while server.ask()["version"] != "v2":
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        ModelFolder(server.models).promote("v1", by="somebody")
        while server.ask()["version"] != "v1":
            time.sleep(0.05)


def test_the_log_is_lines_of_json_without_ids(server: Server) -> None:
    server.ask(b'{"user_id": "u17"}')
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert all("time" in one for one in lines)
    assert any(one.get("route") == "/v1/recommendations" for one in lines)
    assert "u17" not in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    assert "on this machine alone" in server.log.read_text()


def test_it_drains_and_nothing_is_left_to_repair(server: Server) -> None:
    with server.connect() as connection:  # a request has begun
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(BODY)
        assert read_all(connection).startswith(b"HTTP/1.1 200")
    server.process.wait(30)
    server.start()
    assert server.ask()["version"] == "v1"
    server.process.kill()
    server.process.wait(30)
    server.start()
    assert server.ask()["version"] == "v1"


def test_several_processes_share_the_desk_and_what_is_off(tmp_path: Path) -> None:
    """Of one model without a folder of versions: what one turns off, the other does not offer."""
    folder_of(tmp_path, "v1")
    server = Server(tmp_path / "v1", "--workers", "2")
    try:
        first = server.ask()["users"][0]["products"][0]["product_id"]
        off = {"kind": "product", "id": first, "reason": "a test"}
        where = f"http://127.0.0.1:{server.port}/v1/switches"
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(where, json.dumps(off).encode(), head, method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        for _ in range(40):  # each over a connection of its own, which either may take
            listed = server.ask()["users"][0]["products"]
            assert first not in [one["product_id"] for one in listed]
            assert b'name="token"' in server.get("/desk")
    finally:
        server.end()
