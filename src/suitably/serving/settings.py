"""Settings of a service: what its TOML file may say, section by section."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from suitably.errors import DataError
from suitably.utils.suggest import nearest

__all__ = ["AuditSettings", "CanarySettings", "ConsentSettings", "Limits", "ServerSettings"]
__all__ += ["Settings", "SwitchSettings", "TokenSettings", "WatchSettings"]


@dataclass(frozen=True)
class ServerSettings:
    """Where and how it answers.

    Attributes:
        host: The address; beyond this machine it asks for tokens.
        port: The port.
        workers: Processes that share the port.
        as_of: The moment of answers that name none: `"fitted"`, the model's own, or `"today"`, the
            last midnight, so that what has expired since the fit has expired.
        verify: The digests checked before a model is used: `"full"` or `"manifest"`.
        public_key: The PEM of whose models alone are served; None: signed or not.
        trusted: Classes and functions of your own that models are made of, each as `module:Name`.
        desk: Whether there is a desk at `/desk`; with several workers there is one where they are
            started by `suitably serve`, so that they know each other's sessions.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    as_of: str = "fitted"
    verify: Literal["full", "manifest"] = "full"
    public_key: Path | None = None
    trusted: tuple[str, ...] = ()
    desk: bool = True


@dataclass(frozen=True)
class Limits:
    """How much may be asked for, and how long it may take.

    Attributes:
        body_bytes: The most bytes of a body.
        users: The most customers of a request.
        k: The longest list.
        products: The most products that a request may name.
        id_length: The most characters of an id.
        body_seconds: How long a body may take to arrive.
        answer_seconds: How long an answer may take.
        threads: How many requests of several customers are worked on at a time.
        waiting: How many more of them may wait.
        connections: The most connections at a time, of each process.
        keep_alive_seconds: How long a connection may be idle.
        drain_seconds: How long requests that have begun may take once it is to stop.
    """

    body_bytes: int = 1_000_000
    users: int = 1_000
    k: int = 100
    products: int = 10_000
    id_length: int = 200
    body_seconds: float = 10.0
    answer_seconds: float = 10.0
    threads: int = 2
    waiting: int = 32
    connections: int = 1_000
    keep_alive_seconds: int = 5
    drain_seconds: int = 20


@dataclass(frozen=True)
class TokenSettings:
    """Who may ask.

    Attributes:
        file: The tokens' names, roles and sha256, a line each; read again when it changes.
    """

    file: Path | None = None


@dataclass(frozen=True)
class AuditSettings:
    """Where decisions are recorded before they are handed out.

    Attributes:
        path: A file, or the address of a database.
        keys: The file of the keys of its pseudonyms, one a line in hexadecimal digits; None: the
            one beside the trail.
    """

    path: str | None = None
    keys: Path | None = None


@dataclass(frozen=True)
class ConsentSettings:
    """Who has consented to what.

    Attributes:
        file: `.csv` or `.parquet`; read again when it changes.
        sensitive_fields: See `Consent`.
    """

    file: Path | None = None
    sensitive_fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class CanarySettings:
    """How a version is checked before it is served; see `Canary`.

    Attributes:
        users: How many customers.
        k: The length of their lists.
        max_abstention: The largest share of list places that may stay empty.
        max_new_abstention: By how much that share may be above the present version's.
        seed: Of the choice of customers.
    """

    users: int = 200
    k: int = 10
    max_abstention: float = 0.5
    max_new_abstention: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class WatchSettings:
    """Whether answers are watched; see `Monitor`.

    Attributes:
        on: Whether they are.
        state: Where what was seen is kept, written every minute and at the end.
        baseline_days: How many days the baseline is learned from.
        alpha: The chance of any false alarm, ever.
        tolerance: By how much a mean may move without being a change.
    """

    on: bool = False
    state: Path | None = None
    baseline_days: int = 7
    alpha: float = 0.05
    tolerance: float = 0.02


@dataclass(frozen=True)
class SwitchSettings:
    """Where the off-switch is.

    Attributes:
        path: Its file; None: `switches.json` in the folder of versions, else memory.
    """

    path: Path | None = None


@dataclass(frozen=True)
class Settings:
    """All of them.

    Attributes:
        service: Where and how it answers.
        limits: How much may be asked for.
        tokens: Who may ask.
        audit: Where decisions are recorded.
        consent: Who has consented to what.
        canary: How a version is checked.
        watch: Whether answers are watched.
        switches: Where the off-switch is.

    Example:
        >>> Settings.read({"limits": {"k": 20}}).limits.k
        20
        >>> Settings.read({"limits": {"uesrs": 20}})
        Traceback (most recent call last):
        suitably.errors.DataError: settings: [limits] has no key 'uesrs'; did you mean users?
    """

    service: ServerSettings = field(default_factory=ServerSettings)
    limits: Limits = field(default_factory=Limits)
    tokens: TokenSettings = field(default_factory=TokenSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    consent: ConsentSettings = field(default_factory=ConsentSettings)
    canary: CanarySettings = field(default_factory=CanarySettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    switches: SwitchSettings = field(default_factory=SwitchSettings)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a TOML file; paths in it are relative to its folder.

        Raises:
            DataError: A key that there is not, or a value that does not fit.
            OSError: It cannot be read.
        """
        file = Path(path)
        try:
            said = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: is no TOML: {error}") from None
        return cls.read(said, str(file), file.parent)

    @classmethod
    def read(cls, said: Mapping[str, Any], where: str = "settings", folder: Path = Path()) -> Self:
        """Read settings by section and key.

        Raises:
            DataError: A key that there is not, or a value that does not fit.
        """
        sections = get_type_hints(cls)
        made = {}
        for name, keys in said.items():
            if name not in sections:
                raise DataError(f"{where}: no section [{name}]{nearest(name, sections)}")
            if not isinstance(keys, Mapping):
                raise DataError(f"{where}: {name} must be a section, [{name}]")
            made[name] = _section(sections[name], keys, f"{where}: [{name}]", folder)
        found = cls(**made)
        trail = found.audit.path
        if trail is not None and "://" not in trail:
            found = replace(found, audit=replace(found.audit, path=str(folder / trail)))
        _check(found, where)
        return found

    def with_service(self, **keys: Any) -> Self:
        """Return these with some keys of `[service]` changed.

        Raises:
            DataError: One that there is not, or out of its range.
        """
        changed = _section(ServerSettings, {**vars(self.service), **keys}, "service:", Path())
        made = replace(self, service=changed)
        _check(made, "settings")
        return made

    def with_limits(self, **limits: Any) -> Self:
        """Return these with some limits changed.

        Raises:
            ValueError: One that there is not, or out of its range.
        """
        try:
            changed = _section(Limits, {**vars(self.limits), **limits}, "limits:", Path())
            made = replace(self, limits=changed)
            _check(made, "limits")
        except DataError as error:
            raise ValueError(str(error)) from None
        return made


def _section(kind: type, keys: Mapping[str, Any], where: str, folder: Path) -> Any:
    types = get_type_hints(kind)
    made = {}
    for name, value in keys.items():
        if name not in types:
            raise DataError(f"{where} has no key {name!r}{nearest(name, types)}")
        made[name] = _value(types[name], value, f"{where} {name}", folder)
    return kind(**made)


def _value(kind: Any, value: Any, where: str, folder: Path) -> Any:
    if get_origin(kind) in (Union, UnionType):
        if value is None:
            return None
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise DataError(f"{where}: must be a list of texts")
        return tuple(value)
    if kind is Path and isinstance(value, str | Path) and str(value):
        return folder / value
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if get_origin(kind) is Literal:
        kind = str
    if type(value) is not kind or value in (math.inf, -math.inf) or value != value:
        words = {bool: "true or false", int: "a whole number", float: "a number"}
        raise DataError(f"{where}={value!r:.60}: must be {words.get(kind, 'text')}")
    return value


_AT_LEAST_0 = ("seed", "waiting", "max_abstention", "max_new_abstention", "tolerance", "port")
_CHOICES = {"as_of": ("fitted", "today"), "verify": ("full", "manifest")}


def _check(settings: Settings, where: str) -> None:
    """Refuse what no service can go by.

    Raises:
        DataError: A number out of its range, or none of some choices.
    """
    for section in fields(settings):
        keys = getattr(settings, section.name)
        for one in fields(keys):
            value, place = getattr(keys, one.name), f"{where}: [{section.name}] {one.name}"
            if one.name in _CHOICES and value not in _CHOICES[one.name]:
                known = " or ".join(f'"{choice}"' for choice in _CHOICES[one.name])
                raise DataError(f"{place}={value!r:.60}: must be {known}")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if number and (value < 0 or (value == 0 and one.name not in _AT_LEAST_0)):
                least = "0 or more" if one.name in _AT_LEAST_0 else "above 0"
                raise DataError(f"{place}={value}: must be {least}")
    if not settings.service.port < 2**16:
        raise DataError(f"{where}: [service] port={settings.service.port}: must be below 65536")
    if settings.watch.on and settings.service.workers > 1:
        raise DataError(
            f"{where}: [watch] on: one process alone can watch; with workers="
            f"{settings.service.workers} ask `suitably watch` of the audit trail"
        )
