"""Versions: a folder of saved pipelines, of which one is the current one."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suitably.errors import ArtifactError
from suitably.persistence.folder import MANIFEST, Verify, manifest_digest
from suitably.pipeline.opt_out import ConsentRegister
from suitably.pipeline.pipeline import Pipeline, load
from suitably.serving.canary import Canary, CanaryReport
from suitably.serving.pointer import (
    CURRENT,
    check_version_name,
    is_version_name,
    read_current,
    write_current,
)
from suitably.serving.promotions import (
    Promotion,
    PromotionRefused,
    append_promotion,
    read_promotions,
    version_before,
)
from suitably.utils.files import clear_partials, locked
from suitably.utils.progress import logger
from suitably.utils.record import Record

__all__ = ["ModelFolder", "Version"]

_log = logger(__name__)


@dataclass(frozen=True)
class Version(Record):
    """A saved pipeline in a folder of versions.

    Attributes:
        name: The folder's.
        digest: The sha256 of its manifest in hexadecimal digits; None where that is damaged.
        saved_at: When its manifest was written, by the file system's clock, UTC.
        current: Whether it is the current one.
        problem: Why it cannot be a version; empty where nothing is seen at a glance.
    """

    name: str
    digest: str | None
    saved_at: datetime
    current: bool
    problem: str = ""


class ModelFolder:
    """A folder of versions: `models/2026-06-01/`, …, and `current`, which says what is served.

    A new version is saved beside the others and promoted: loaded, tried on a few customers, and
    only then made the current one, at once. Whatever ends the process, `current` holds the old or
    the new version, and nothing is left to repair. Of two promotions or rollbacks at once the
    second is refused.

    Args:
        path: The folder.
        trusted: Classes and functions of your own that versions are made of.
        verify: As for `suitably.load`.
        public_key: By whose owner versions must be signed; None: by nobody.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=50, products=20)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
        >>> with TemporaryDirectory() as path:
        ...     for name in ("2026-06-01", "2026-07-01"):
        ...         pipeline.save(f"{path}/{name}")
        ...     folder = ModelFolder(path)
        ...     for name in ("2026-06-01", "2026-07-01"):
        ...         assert folder.promote(name, by="ops").ok
        ...     print(folder.current, folder.rollback(by="ops"))
        ...     print([one.action for one in folder.history()])
        2026-07-01 2026-06-01
        ['promote', 'promote', 'rollback']
    """

    def __init__(
        self,
        path: str | Path,
        trusted: Sequence[Callable[..., Any]] = (),
        verify: Verify = "full",
        public_key: Any = None,
    ) -> None:
        self.path: Path = Path(path)
        self.trusted: Sequence[Callable[..., Any]] = trusted
        self.verify: Verify = verify
        self.public_key: Any = public_key

    @property
    def current(self) -> str | None:
        """The name of the current version, which may have vanished; None where there is none yet.

        Raises:
            ArtifactError: There is no such folder, or `current` leads out of it.
        """
        return read_current(self.path)

    def versions(self) -> list[Version]:
        """Return the versions that there are, by name, damaged ones included.

        Raises:
            ArtifactError: There is no such folder.
        """
        try:
            current = self.current
        except ArtifactError:
            current = None
        try:
            names = sorted(filter(is_version_name, os.listdir(self.path)))
        except OSError as error:
            raise ArtifactError(f"{self.path}: no such folder: {error}") from None
        found = (self._version(name, name == current) for name in names)
        return [one for one in found if one is not None]

    def load(self, name: str) -> Pipeline:
        """Load a version.

        Raises:
            ArtifactError: There is none of that name, or it is damaged, of a newer schema, made of
                a class that is not trusted, or not signed with the key.
        """
        place = self._place(name)
        return load(place, self.verify, self.trusted, self.public_key)

    def promote(
        self,
        name: str,
        canary: Canary | None = None,
        by: str = "",
        consent: ConsentRegister | None = None,
    ) -> CanaryReport:
        """Make a version the current one, once it is loaded and tried.

        Args:
            name: The version. Where it is the current one already it is tried, and nothing changes.
            canary: What it is tried with; None: `Canary()`.
            by: Who asks for it, for the history.
            consent: The register that versions are tried with; one that was fitted with a register
                answers nothing without.

        Returns:
            What the canary found.

        Raises:
            PromotionRefused: The canary found something, the version was changed meanwhile, or
                another promotion is under way; what was current goes on.
            ArtifactError: It cannot be loaded; likewise.
            OSError: The folder cannot be written to; likewise.
        """
        place = self._place(name)
        with self._alone(name):
            digest = manifest_digest(place)
            candidate = self.load(name)
            report = (canary or Canary()).check(candidate, self._serving(name), consent)
            if not report.ok:
                raise PromotionRefused(f"{name}: is refused: {report}", report)
            if manifest_digest(place) != digest:
                raise PromotionRefused(f"{name}: was saved anew while it was tried", report)
            self._turn("promote", name, by, digest)
        return report

    def rollback(self, by: str = "") -> str:
        """Go back to the version that was promoted before the current one.

        Rolled back versions do not count, so that a second rollback goes back further.

        Args:
            by: Who asks for it, for the history.

        Returns:
            The name of what is current now.

        Raises:
            PromotionRefused: There is none, or a promotion is under way.
            ArtifactError: It has vanished or cannot be loaded; what was current goes on.
            OSError: The folder cannot be written to; likewise.
        """
        with self._alone("rollback"):
            name = version_before(self.history())
            if name is None:
                raise PromotionRefused("rollback: no version was promoted before the current one")
            place = self._place(name)
            self.load(name)
            self._turn("rollback", name, by, manifest_digest(place))
        return name

    def history(self) -> list[Promotion]:
        """Return how versions became the current one, the first first.

        The last entry is that of the current one. Where it was made so by something else, such as
        an operator's own link, or a promotion that was ended before it could say so, its action is
        `"found"`.

        Raises:
            ArtifactError: There is no such folder, or it cannot be read.
        """
        current, known = self.current, read_promotions(self.path)
        last = known[-1].version if known else None
        if current is None or current == last:
            return known
        try:
            moved = datetime.fromtimestamp(os.lstat(self.path / CURRENT).st_mtime, UTC)
        except OSError as error:
            raise ArtifactError(f"{self.path / CURRENT}: has vanished: {error}") from None
        return [*known, Promotion(moved, "found", current, last, "")]

    def _turn(self, action: Any, name: str, by: str, digest: str) -> None:
        """Move the pointer, then say so; first say what moved it before without saying so."""
        before = self.current
        if name == before:
            return
        for missing in self.history()[len(read_promotions(self.path)) :]:
            append_promotion(self.path, missing)
        write_current(self.path, name)
        made = Promotion(datetime.now(UTC), action, name, before, by, digest)
        try:
            append_promotion(self.path, made)
        except OSError as error:  # it is the current one all the same: the next writer finds it
            _log.error("%s is the current version, but no line could say so: %s", name, error)

    def _serving(self, name: str) -> Pipeline | None:
        """Return the current version to hold another against, where there is one that loads."""
        try:
            current = self.current
            return None if current in (None, name) else self.load(str(current))
        except ArtifactError:
            return None

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        try:
            with locked(self.path, wait=False, folder=True):
                clear_partials(self.path / CURRENT)
                yield
        except BlockingIOError:
            raise PromotionRefused(
                f"{what}: another promotion or rollback is under way in {self.path}: try again "
                f"when it has ended"
            ) from None
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ArtifactError(f"{self.path}: has vanished: {error}") from None

    def _place(self, name: str) -> Path:
        """Return where a version is.

        Raises:
            ArtifactError: No version is called so, or it is not a folder of its own.
        """
        place = self.path / check_version_name(name)
        try:
            mode = os.lstat(place).st_mode
        except OSError:
            there = [one.name for one in self.versions()]
            known = f"there are {', '.join(there[-5:])}" if there else "there is none"
            raise ArtifactError(f"{self.path}: has no version {name!r}: {known}") from None
        if not stat.S_ISDIR(mode):
            raise ArtifactError(f"{place}: is no folder of its own: a version is never a link")
        return place

    def _version(self, name: str, current: bool) -> Version | None:
        place = self.path / name
        try:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                return None
            saved = datetime.fromtimestamp(os.stat(place / MANIFEST).st_mtime, UTC)
        except OSError:  # no saved pipeline, or gone by now
            return None
        try:
            return Version(name, manifest_digest(place), saved, current)
        except ArtifactError as error:
            return Version(name, None, saved, current, str(error))

    def __repr__(self) -> str:
        return f"ModelFolder({str(self.path)!r})"
