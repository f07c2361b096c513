"""A service through promotions, rollbacks and kills: no error, no mixed version, no violation.

Four saved versions are promoted and rolled back by the endpoint while customers ask over four
connections; every answer's version must be one that there is, and its list the one that this
version's pipeline gives, which were drawn up and judged rule by rule before. Then the server is
killed at random moments, also during promotions, and started again. SUITABLY_REQUESTS (100,000),
SUITABLY_PROMOTIONS (50), SUITABLY_ROLLBACKS (20), SUITABLY_KILLS (10) and SUITABLY_MINUTES (0: how
long memory is watched afterwards) choose the size.
"""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import numpy as np

import suitably as st
from benchmarks.runner import Row
from benchmarks.serving.client import HEAD_END, ask_all, post

REQUESTS = int(os.environ.get("SUITABLY_REQUESTS", "100000"))
PROMOTIONS = int(os.environ.get("SUITABLY_PROMOTIONS", "50"))
ROLLBACKS = int(os.environ.get("SUITABLY_ROLLBACKS", "20"))
KILLS = int(os.environ.get("SUITABLY_KILLS", "10"))
MINUTES = float(os.environ.get("SUITABLY_MINUTES", "0"))
_CUSTOMERS, _CONNECTIONS = 200, 4
_CONFIG = """
[canary]
users = 20
"""
_RANKERS: dict[str, Any] = {
    "2024-06-01": st.ranking.Popularity(),
    "2024-07-01": st.ranking.EASE(),
    "2024-08-01": st.ranking.ItemKNN(),
    "2024-09-01": st.ranking.ALS(factors=16),
}

Lists = dict[str, dict[str, list[str]]]


class Server:
    """A server in a process of its own, which can be killed and started again."""

    def __init__(self, models: Path, config: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._command = [sys.executable, "-m", "suitably", "serve", str(models)]
        self._command += ["--config", str(config), "--port", str(self.port)]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it, and return the version that it answers from."""
        self.process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as r:
                    return str(json.load(r)["version"])
            except (OSError, urllib.error.HTTPError):
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def end(self, how: int = signal.SIGTERM) -> None:
        """End it."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(60)

    def act(self, path: str) -> dict[str, Any]:
        """Do what an administrator may."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", b"", method="POST")
        with urllib.request.urlopen(request, timeout=120) as reply:
            return dict(json.load(reply))

    @property
    def resident(self) -> float:
        """Its resident memory in MiB."""
        assert self.process is not None
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def run() -> list[Row]:
    with TemporaryDirectory() as folder:
        models = Path(folder, "models")
        models.mkdir()
        config = Path(folder, "suitably.toml")
        config.write_text(_CONFIG)
        expected, violations = _versions(models)
        st.serving.ModelFolder(models).promote(next(iter(_RANKERS)))
        server = Server(models, config)
        server.start()
        rows = [_turning(server, expected, violations)]
        if MINUTES:
            rows.append(_flat(server, expected))
        server.end()
        rows.append(_killed(server, models, expected))
        return rows


def _versions(models: Path) -> tuple[Lists, int]:
    """Fit and save versions; return what each lists for some customers, and violations in them."""
    bank = st.data.simulate_bank(users=2_000, products=120, seed=0)
    expected: Lists = {}
    violations = 0
    for name, ranker in _RANKERS.items():
        pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=ranker).fit(bank, as_of=name)
        pipeline.save(models / name)
        customers = pipeline.user_ids[:_CUSTOMERS].tolist()
        lists = {one.user_id: list(one.product_ids) for one in pipeline.recommend(customers)}
        eligibility = pipeline.eligibility()
        for user, products in lists.items():
            for product in products:
                verdicts = eligibility.verdicts(user, product)
                violations += any(one.verdict != "pass" for one in verdicts)
        expected[name] = lists
    return expected, violations


class _Held:
    """Holds answers against what their version lists."""

    def __init__(self, expected: Lists) -> None:
        self._expected = expected
        self.answers = self.mixed = 0
        self.versions: dict[str, int] = {}

    def __call__(self, place: int, reply: bytes) -> None:
        said = json.loads(reply[reply.index(HEAD_END) + 4 :])
        self.answers += 1
        version, user = said.get("version"), (said.get("users") or [{}])[0]
        listed = [one["product_id"] for one in user.get("products", ())]
        self.versions[version] = self.versions.get(version, 0) + 1
        self.mixed += self._expected.get(version, {}).get(user.get("user_id")) != listed


def _turning(server: Server, expected: Lists, violations: int) -> Row:
    acts = ["promote"] * PROMOTIONS + ["rollback"] * ROLLBACKS
    random.Random(0).shuffle(acts)
    done, failed, held = 0, 0, _Held(expected)
    ended = False

    def administer() -> None:
        nonlocal done, failed, ended
        names, current = list(expected), next(iter(expected))
        for turn, act in enumerate(acts):
            while held.answers * len(acts) < turn * REQUESTS:  # spread over all requests
                time.sleep(0.01)
            try:
                if act == "promote":
                    name = random.choice([one for one in names if one != current])
                    current = server.act(f"/v1/models/{name}/promote")["version"]
                else:
                    current = server.act("/v1/models/rollback")["version"]
                done += 1
            except urllib.error.HTTPError as error:
                told = json.load(error)
                if error.code == 409 and "no version was promoted before" in told["detail"]:
                    done += 1  # all the way back: there is nothing before the first one
                else:
                    failed += 1
        ended = True

    before = server.resident
    admin = Thread(target=administer)
    admin.start()
    asked, errors, seconds = 0, 0, 0.0
    each: list[float] = []
    while asked < REQUESTS or not ended:
        some = _requests(expected, min(4_000, max(400, REQUESTS - asked)))
        load = asyncio.run(ask_all(server.port, some, _CONNECTIONS, held))
        asked, errors, seconds = asked + len(some), errors + load.failed, seconds + load.seconds
        each += load.each.tolist()
    admin.join()
    half, most = (1000 * float(np.quantile(each, share)) for share in (0.5, 0.99))
    note = (
        f"{done} promotions and rollbacks ({failed} failed), {errors} errors, {held.mixed} mixed, "
        f"{violations} violations, answers by version {held.versions}; p50 {half:.1f} ms, "
        f"p99 {most:.1f} ms; memory {before:.0f} MiB before, {server.resident:.0f} MiB after"
    )
    return Row(f"{asked:,} requests while versions change", None, asked / seconds, "requests/s",
               None, note)  # fmt: skip


def _requests(expected: Lists, number: int) -> list[bytes]:
    users = list(next(iter(expected.values())))
    drawn = [random.choice(users) for _ in range(number)]
    return [post("/v1/recommendations", json.dumps({"user_id": one}).encode()) for one in drawn]


def _flat(server: Server, expected: Lists) -> Row:
    """Watch memory while customers ask; the slope is that of a straight line through all of it."""
    begun, times, sizes = time.monotonic(), [], []
    while (now := time.monotonic() - begun) < 60 * MINUTES:
        asyncio.run(ask_all(server.port, _requests(expected, 500), _CONNECTIONS))
        times.append(now / 60)
        sizes.append(server.resident)
    settled = len(times) // 5  # the first fifth fills caches
    slope, _ = np.polyfit(times[settled:], sizes[settled:], 1)
    note = f"{sizes[settled]:.1f} MiB to {sizes[-1]:.1f} MiB, {500 * len(times):,} requests"
    return Row(f"memory over {MINUTES:g} minutes", None, float(slope), "MiB/min", None, note)


def _killed(server: Server, models: Path, expected: Lists) -> Row:
    """Kill the server at random moments, half of them during a promotion, and start it again."""
    wrong = 0
    draw = random.Random(1)
    for turn in range(KILLS):
        server.start()
        thread = None
        if turn % 2:
            name = draw.choice(list(expected))
            thread = Thread(target=_quietly, args=(server, f"/v1/models/{name}/promote"))
            thread.start()
        time.sleep(draw.uniform(0, 1.5))
        server.end(signal.SIGKILL)
        if thread is not None:
            thread.join()
        version, held = server.start(), _Held(expected)
        load = asyncio.run(ask_all(server.port, _requests(expected, 100), 1, held))
        current = st.serving.ModelFolder(models).current
        wrong += bool(load.failed or held.mixed or version != current)
        server.end()
    return Row(f"{KILLS} kills (SIGKILL)", None, wrong, "repairs", None, "wrong after a restart")


def _quietly(server: Server, path: str) -> None:
    with suppress(OSError):  # killed meanwhile, as is meant
        server.act(path)


if __name__ == "__main__":
    for row in run():
        print(row.name, f"{row.ours:,.3f} {row.unit}", row.note, sep=" | ", flush=True)
