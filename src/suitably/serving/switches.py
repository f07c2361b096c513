"""The off-switch: what is not offered until it is turned on again, by no process from then on.

What is off stands in one small file, replaced at once. Whoever answers looks whether it has
changed, which costs a few microseconds, and reads it again if so. A file that cannot be read turns
everything off, and one that vanishes turns nothing on.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from suitably.errors import ArtifactError, DataError
from suitably.persistence.folder import open_regular
from suitably.pipeline.switched_off import SwitchState
from suitably.utils.files import clear_partials, locked, replace_synced
from suitably.utils.fork import ForkLock
from suitably.utils.progress import logger
from suitably.utils.record import Record

__all__ = ["Switch", "SwitchLog", "SwitchState", "Switches"]

SWITCHES = "switches.json"
"""What the file is called in a folder of versions."""

SwitchKind = Literal["user", "product", "policy", "everything"]
_SCHEMA = 1
_MOST_BYTES = 1 << 28
_LONGEST = 1_000
_log = logger(__name__)


@runtime_checkable
class SwitchLog(Protocol):
    """What is told of every switch before it takes effect, such as an `AuditTrail`."""

    def switch(self, action: str, kind: str, id: Any, reason: str, by: str) -> None:  # noqa: A002
        """Keep it; an error leaves the switch as it is."""
        ...


@dataclass(frozen=True, repr=False)
class Switch(Record):
    """Something that is off.

    Attributes:
        kind: `"user"`, `"product"`, `"policy"` or `"everything"`.
        id: Which, as it was given; None for everything.
        reason: Why.
        by: Who turned it off.
        at: When, by the clock of who did, UTC.
    """

    kind: SwitchKind
    id: str | int | None
    reason: str
    by: str
    at: datetime

    @property
    def key(self) -> tuple[str, str]:
        """What it is told from others by: a number and its digits are one id."""
        return self.kind, "" if self.id is None else str(self.id)

    def __repr__(self) -> str:
        which = "" if self.kind in ("user", "everything") else f" {self.id!r}"
        return f"Switch({self.kind}{which} off)"


class Switches:
    """Turns customers, products, policies or everything off, and on again.

    Nothing that is turned off ever widens what is offered: where a policy is off, what it governs,
    or may govern, is offered to nobody. Ids may be unknown to the present model; the next one may
    know them.

    Args:
        path: A folder of versions, in which the file `switches.json` is kept, or another such file,
            whose name ends in `.json`; None: in memory, for this process alone.

    Raises:
        DataError: There is no such folder.

    Example:
        >>> switches = Switches(None)
        >>> switches.off("product", "etf", reason="misprinted price", by="desk")
        >>> switches.state().products
        frozenset({'etf'})
        >>> switches.on("product", "etf", reason="corrected", by="desk")
        >>> switches.state().any
        False
    """

    def __init__(self, path: str | Path | None) -> None:
        place = None if path is None else Path(path)
        if place is not None and not place.is_dir() and place.suffix != ".json":
            raise DataError(f"{place}: no such folder, and no name of a file that ends in .json")
        within = place is not None and place.is_dir()
        self.path: Path | None = place / SWITCHES if place is not None and within else place
        self._file = "" if self.path is None else os.fspath(self.path)
        self._lock = ForkLock()
        self._seen: tuple[int, ...] | None = None
        self._entries: dict[tuple[str, str], Switch] = {}
        self._state = SwitchState()
        self._problem = ""

    def state(self) -> SwitchState:
        """Return what is off now; the same object for as long as nothing has changed."""
        if self.path is not None:
            try:
                there = os.stat(self._file)
            except OSError as error:
                self._unseen(error)
            else:
                stamp = (there.st_mtime_ns, there.st_ino, there.st_size, there.st_dev)
                if stamp != self._seen:
                    self._read()
        return self._state

    def entries(self) -> list[Switch]:
        """Return what is off, with who turned it off and why, in the order in which it was."""
        self.state()
        return list(self._entries.values())

    @property
    def problem(self) -> str:
        """Why everything is off although nobody has turned it off: the file cannot be read."""
        self.state()
        return self._problem

    def off(
        self,
        kind: SwitchKind,
        id: str | int | None = None,  # noqa: A002
        *,
        reason: str,
        by: str,
        audit: SwitchLog | None = None,
    ) -> None:
        """Turn something off, from the next call on.

        Args:
            kind: `"user"`, `"product"`, `"policy"` or `"everything"`.
            id: Which; None for everything.
            reason: Why; it stands in the file and on record as it is, so it should name nobody.
            by: Who does.
            audit: Where it is recorded before it takes effect; None: nowhere.

        Raises:
            DataError: Another kind, no id, no reason or nobody; nothing has changed.
            ArtifactError: The file cannot be read, or the switch cannot be recorded; likewise.
            OSError: Likewise.
            ValueError: `audit` cannot record switches.
        """
        made = _switch(kind, id, reason, by)
        self._change("off", made, audit)

    def on(
        self,
        kind: SwitchKind,
        id: str | int | None = None,  # noqa: A002
        *,
        reason: str,
        by: str,
        audit: SwitchLog | None = None,
    ) -> None:
        """Turn something on again; see `off`.

        Raises:
            DataError: It is not off; besides as for `off`.
        """
        self._change("on", _switch(kind, id, reason, by), audit)

    def _change(self, action: Literal["off", "on"], made: Switch, audit: SwitchLog | None) -> None:
        if audit is not None and not isinstance(audit, SwitchLog):
            raise ValueError(f"audit={audit!r:.60}: must have a method switch, or be None")
        if self.path is None:
            with self._lock:
                after = _changed(self._entries, action, made)
                _record(audit, action, made)
                self._entries, self._state = after, _state_of(after)
            return
        if not self.path.parent.is_dir():
            raise DataError(f"{self.path.parent}: no such folder")
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            clear_partials(self.path)
            entries, changed_at = _read_file(self.path)
            # What this process has seen off stays off, though the file has vanished since.
            after = _changed(entries if changed_at else self._entries, action, made)
            _record(audit, action, made)
            replace_synced(self.path, _written(after), later_than=changed_at)

    def _unseen(self, error: OSError) -> None:
        """What there is to say where the file cannot be seen: as before, and at first all is on."""
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            if self._problem:  # what could not be read is gone: as before it
                self._problem, self._state = "", _state_of(self._entries)
            return
        if self._seen is None:
            self._fail(f"{self.path}: {error}")

    def _read(self) -> None:
        assert self.path is not None
        with self._lock:
            try:
                # Looked at before it is read: what comes in between is read again next time.
                there = os.stat(self.path)
                entries, _ = _read_file(self.path)
            except FileNotFoundError:
                return
            except (ArtifactError, OSError) as error:
                self._fail(str(error))
                return
            self._entries, self._problem = entries, ""
            state = _state_of(entries)
            self._state = self._state if state == self._state else state
            self._seen = (there.st_mtime_ns, there.st_ino, there.st_size, there.st_dev)

    def _fail(self, problem: str) -> None:
        if problem != self._problem:
            _log.error("everything is off: %s", problem)
        self._problem, self._seen = problem, None
        self._state = SwitchState(everything=True)

    def __repr__(self) -> str:
        return f"Switches({'in memory' if self.path is None else repr(str(self.path))})"


def _switch(kind: Any, given: Any, reason: Any, by: Any) -> Switch:
    """Check what is to be turned off or on.

    Raises:
        DataError: It cannot be.
    """
    if kind not in get_args(SwitchKind):
        raise DataError(f"kind={kind!r:.40}: must be one of {', '.join(get_args(SwitchKind))}")
    if kind == "everything":
        if given is not None:
            raise DataError("everything has no id: leave it out, or say which kind is meant")
    elif isinstance(given, bool) or not isinstance(given, str | int | np.integer) or given == "":
        raise DataError(f"{kind}: give its id, a text or a whole number, not {given!r:.40}")
    if isinstance(given, np.integer):
        given = int(given)
    if kind == "policy" and not isinstance(given, str):
        raise DataError(f"policy: its id is a text, not {given!r:.40}")
    for name, text in (("reason", reason), ("by", by)):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{name}: say {'why' if name == 'reason' else 'who does'}")
    if max(len(str(given)), len(reason), len(by)) > _LONGEST:
        raise DataError(f"id, reason and by: {_LONGEST:,} characters at the most")
    return Switch(kind, given, reason, by, datetime.now(UTC))


def _changed(
    entries: dict[tuple[str, str], Switch], action: str, one: Switch
) -> dict[tuple[str, str], Switch]:
    after = dict(entries)
    if action == "off":
        after[one.key] = one
    elif after.pop(one.key, None) is None:
        raise DataError(f"{one.kind}{'' if one.id is None else f' {one.id!r:.60}'}: is not off")
    return after


def _record(audit: SwitchLog | None, action: str, one: Switch) -> None:
    if audit is not None:
        audit.switch(action, one.kind, one.id, one.reason, one.by)


def _state_of(entries: dict[tuple[str, str], Switch]) -> SwitchState:
    found: dict[str, set[str]] = {"user": set(), "product": set(), "policy": set()}
    for kind, text in entries:
        if kind != "everything":
            found[kind].add(text)
    return SwitchState(("everything", "") in entries, *map(frozenset, found.values()))


def _read_file(path: Path) -> tuple[dict[tuple[str, str], Switch], int]:
    """Return what a file holds, and when it was changed, in nanoseconds; nothing where none is.

    Raises:
        ArtifactError: It cannot be read, or is none of this version.
    """
    try:
        with open_regular(path) as file:
            changed_at = os.fstat(file.fileno()).st_mtime_ns
            octets = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return {}, 0
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read: {error}") from None
    try:
        said = json.loads(octets)
        if said["schema"] != _SCHEMA:
            raise ValueError(f"is of schema {said['schema']!r:.20}, this version reads {_SCHEMA}")
        made = [_entry(one) for one in said["off"]]
    except (ValueError, TypeError, LookupError, RecursionError, DataError) as error:
        raise ArtifactError(f"{path}: cannot be read: {error}") from None
    return {one.key: one for one in made}, changed_at


def _entry(said: dict[str, Any]) -> Switch:
    made = _switch(said["kind"], said["id"], said["reason"], said["by"])
    return Switch(made.kind, made.id, made.reason, made.by, datetime.fromisoformat(said["at"]))


def _written(entries: dict[tuple[str, str], Switch]) -> bytes:
    said = {"schema": _SCHEMA, "off": [one.to_dict() for one in entries.values()]}
    return (json.dumps(said, indent=1, ensure_ascii=True) + "\n").encode("ascii")
