"""A service, started, asked and stopped: versions, tokens, a promotion, the off-switch.

Needs the extra `serve`: `pip install 'suitably[serve]'`.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import suitably as st
from suitably.serving import ModelFolder
from suitably.serving.tokens import new_token


def main() -> None:
    """Save two versions, serve them, and look around."""
    with TemporaryDirectory() as folder:
        models = Path(folder, "models")
        models.mkdir()
        bank = st.data.simulate_bank(users=300, products=60, seed=0)
        for version, ranker in (("june", st.ranking.Popularity()), ("july", st.ranking.EASE())):
            pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=ranker)
            pipeline.fit(bank, as_of="2024-06-01").save(models / version)
        print("june:", ModelFolder(models).promote("june", by="example"))

        tokens = Path(folder, "tokens")
        secret, token = new_token(["admin"], "example")
        tokens.write_text(f"{token.line}\n")
        port = _free_port()
        command = [sys.executable, "-m", "suitably", "serve", str(models)]
        command += ["--port", str(port), "--tokens", str(tokens)]
        with Path(folder, "log").open("wb") as log:
            server = subprocess.Popen(command, stderr=log)
        try:
            _tour(f"http://127.0.0.1:{port}", secret, server)
        finally:
            server.terminate()  # what has begun is answered first
            server.wait(30)
        lines = Path(folder, "log").read_text().splitlines()
        asked = [line for line in map(json.loads, lines) if line.get("status")]
        print(f"{len(asked)} requests in the log, such as {json.dumps(asked[-1])}")


def _tour(address: str, secret: str, server: "subprocess.Popen[bytes]") -> None:
    def ask(method: str, path: str, body: Any = None, token: str = secret) -> Any:
        data = None if body is None else json.dumps(body).encode()
        head = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(address + path, data, head, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:  # a problem, as RFC 9457 has it
            return json.load(error)

    deadline = time.monotonic() + 100
    while True:
        try:
            ready = ask("GET", "/readyz")
            break
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("the service did not start; it needs pip install 'suitably[serve]'")
            time.sleep(0.1)
    print("ready:", ready["version"])

    customer = {"user_id": "u000001", "k": 3}
    said = ask("POST", "/v1/recommendations", customer)
    (one,) = said["users"]
    listed = [product["product_id"] for product in one["products"]]
    print(f"{said['version']}, as of {said['as_of']}: {listed}, stood in: {one['stood_in']}")
    why = ask("POST", "/v1/explanations", {**customer, "product_ids": listed[:1]})
    print(why["explanations"][0]["text"]["en"])

    print("without a token:", ask("POST", "/v1/recommendations", customer, token="?")["detail"])
    print("k=0:", ask("POST", "/v1/recommendations", {**customer, "k": 0})["detail"])

    print("promoted:", ask("POST", "/v1/models/july/promote")["version"])
    said = ask("POST", "/v1/recommendations", customer)
    print(said["version"], [product["product_id"] for product in said["users"][0]["products"]])
    off = {"kind": "product", "id": said["users"][0]["products"][0]["product_id"]}
    ask("PUT", "/v1/switches", {**off, "reason": "misprinted price"})
    said = ask("POST", "/v1/recommendations", customer)
    print("one off:", [product["product_id"] for product in said["users"][0]["products"]])
    print("rolled back:", ask("POST", "/v1/models/rollback")["version"])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


main()
