"""A service to stand in for the real one: one pipeline, tokens by name, switches in memory."""

from datetime import UTC, datetime
from types import SimpleNamespace

ALL = frozenset({"recommend", "explain", "identify", "admin"})


class Switches:
    def __init__(self):
        self.entries_ = []

    def entries(self):
        return self.entries_

    def state(self):
        ids = {
            kind: frozenset(str(e.id) for e in self.entries_ if e.kind == kind)
            for kind in ("user", "product", "policy")
        }
        return SimpleNamespace(
            everything=any(e.kind == "everything" for e in self.entries_),
            users=ids["user"],
            products=ids["product"],
            policies=ids["policy"],
            any=bool(self.entries_),
        )

    def off(self, kind, id=None, *, reason, by, audit=None):
        self.entries_.append(
            SimpleNamespace(kind=kind, id=id, reason=reason, by=by, at=datetime.now(UTC))
        )

    def on(self, kind, id=None, *, reason, by, audit=None):
        self.entries_ = [e for e in self.entries_ if (e.kind, str(e.id)) != (kind, str(id))]


class Service:
    def __init__(self, pipeline, tokens=None, monitor=None, folder=None):
        self.pipeline, self.tokens, self.monitor, self.folder = pipeline, tokens, monitor, folder
        self.switches, self.problems = Switches(), []
        self.since = datetime(2026, 6, 1, tzinfo=UTC)

    asks_tokens = property(lambda self: self.tokens is not None)
    audit = property(lambda self: self.pipeline.audit)

    def token(self, authorization):
        roles = self.roles(authorization)
        return SimpleNamespace(name="alice", roles=roles) if roles else None

    def roles(self, authorization):
        if self.tokens is None:
            return ALL
        return self.tokens.get((authorization or "").removeprefix("Bearer "), frozenset())

    def served(self):
        return SimpleNamespace(version="2026-06-01", pipeline=self.pipeline, since=self.since)

    def answering(self):
        served = self.served()
        silent = self.pipeline.with_audit(None)
        return SimpleNamespace(served=served, pipeline=self.pipeline, silent=silent)
