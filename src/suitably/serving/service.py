"""Service: which version answers, and how that changes while it does."""

import threading
import weakref
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from suitably.errors import ArtifactError, DataError, SuitablyError
from suitably.monitoring.monitor import Monitor
from suitably.persistence.named import named_parts
from suitably.pipeline.pipeline import Pipeline, load
from suitably.serving.attachments import Attachments
from suitably.serving.canary import Canary, CanaryReport
from suitably.serving.problems import Problem
from suitably.serving.served import Answering, Served, model_of
from suitably.serving.settings import Settings
from suitably.serving.switched import switched
from suitably.serving.switches import Switches
from suitably.serving.tokens import ROLES, Token, TokenFile
from suitably.serving.versions import ModelFolder
from suitably.serving.watching import Watching
from suitably.utils.files import file_stamp
from suitably.utils.fork import ForkLock
from suitably.utils.progress import logger

__all__ = ["Service"]

_log = logger(__name__)
_EVERY = 0.25  # seconds between looks at the folder
_SAVE_EVERY = 240  # looks between writes of what the watch has seen


class Service:
    """Answers from one version at a time, and changes to another while it answers.

    Args:
        source: A fitted pipeline, which may be updated while it is served; the folder of a saved
            one; or a folder of versions, whose current one is served and followed.
        settings: What it goes by; None: the defaults.

    Attributes:
        settings: What it goes by.
        folder: The folder of versions; None where one pipeline is served.
        switches: What is switched off.
        watching: What watches the answers.

    Raises:
        NotFittedError: The pipeline is not fitted.
        SuitablyError: There is no such folder, a saved pipeline cannot be loaded, or what the
            settings name cannot be used.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=50, products=20)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
        >>> service = Service(pipeline)
        >>> len(service.answering().pipeline.recommend(["u000001"]))
        1
    """

    def __init__(self, source: Pipeline | str | Path, settings: Settings | None = None) -> None:
        self.settings: Settings = Settings() if settings is None else settings
        said = self.settings
        self._tokens = None if said.tokens.file is None else TokenFile(said.tokens.file)
        self._attachments = Attachments(said)
        self.watching: Watching = Watching(said.watch)
        self.refused: Mapping[str, str] = {}
        """The versions that were not taken, and why."""
        self.reloads: Mapping[str, int] = {"swapped": 0, "refused": 0}
        """How often another version was taken, or not."""
        self._lock = ForkLock()
        self._tried: tuple[str | None, Any] | None = None
        self._today = date.min
        self._prepared: tuple[Served, str | None] | None = None
        self._looked_at: tuple[str | None, Any] | None = None
        self._served: Served | None = None
        self._source = source if isinstance(source, Pipeline) else None
        self.folder: ModelFolder | None = None
        self._wake = threading.Event()
        self._ended = False
        self._looking: threading.Thread | None = None
        if self._source is None:
            self._open(Path(source))  # type: ignore[arg-type]
        else:
            self._turn("", self._source)
        self.switches: Switches = self._switches()
        self._prepare()

    def _open(self, path: Path) -> None:
        said = self.settings.service
        trusted = named_parts(said.trusted)
        if (path / "manifest.json").exists():
            self._turn(path.resolve().name, load(path, said.verify, trusted, said.public_key))
            return
        if not path.is_dir():
            raise DataError(f"{path}: no such folder")
        self.folder = ModelFolder(path, trusted, said.verify, said.public_key)
        self._look()

    def _switches(self) -> Switches:
        said = self.settings.switches.path
        if said is None and self.folder is not None:
            said = Path(self.folder.path) / "switches.json"
        return Switches(said)

    # --- what answers -----------------------------------------------------------------------------

    def served(self) -> Served:
        """Return the version that is served.

        Raises:
            Problem: There is none yet.
        """
        served = self._served
        if self._looking is None:
            self._begin()
        if self._source is not None and not self._same(served):
            served = self._updated()
        if served is None:
            raise Problem(
                503,
                "no version is served yet: promote one, or look at /readyz for why none is",
                "not-ready",
                headers={"Retry-After": "1"},
            )
        return served

    def answering(self) -> Answering:
        """Return what a request is to be answered by: asked once, so that no two are mixed.

        Raises:
            Problem: No version is served yet.
        """
        served, state = self.served(), self.switches.state()
        if not state.any:
            return Answering(served, served.pipeline, served.silent)
        return Answering(served, switched(served.pipeline, state), switched(served.silent, state))

    @property
    def monitor(self) -> Monitor | None:
        """What watches the answers; None where nothing does."""
        return self.watching.monitor

    @property
    def audit(self) -> Any:
        """Where decisions are recorded; None: nowhere."""
        served = self._served
        return self._attachments.audit if served is None else served.pipeline.audit

    @property
    def consent(self) -> Any:
        """The register of consent that the settings name, as it was read last; None: none."""
        return self._attachments.consent

    @property
    def canary(self) -> Canary:
        """What versions are tried with."""
        return Canary(**vars(self.settings.canary))

    def moment(self, served: Served) -> str | None:
        """Return the moment of answers that name none; None: that which the model is fitted as of.

        A clock that is set back changes nothing: the day never goes back, nor before the fit.
        """
        if self.settings.service.as_of == "fitted" or served.as_of is None:
            return None
        self._today = max(self._today, date.today())
        return None if self._today <= served.as_of.date() else self._today.isoformat()

    def is_prepared(self, served: Served, moment: str | None) -> bool:
        """Return whether a list of one customer as of a moment takes no longer than others."""
        known = self._prepared
        return known is not None and known[0] is served and known[1] == moment

    @property
    def ready(self) -> bool:
        """Whether there is a version to answer from."""
        return self._served is not None

    @property
    def problems(self) -> list[str]:
        """What wants a look, though it answers."""
        found = [f"version {name} was refused: {why}" for name, why in self.refused.items()]
        if self._tokens is not None and self._tokens.problem is not None:
            found.append(self._tokens.problem)
        return found

    # --- who asks ---------------------------------------------------------------------------------

    @property
    def asks_tokens(self) -> bool:
        """Whether a request must show a token."""
        return self._tokens is not None

    def token(self, authorization: str | bytes | None) -> Token | None:
        """Return the token that a header `Authorization` shows, None where it shows none."""
        return None if self._tokens is None else self._tokens.find(authorization)

    def roles(self, authorization: str | bytes | None) -> frozenset[str]:
        """Return what a header `Authorization` is good for: all, where no token is asked for."""
        if self._tokens is None:
            return _ALL
        found = self._tokens.find(authorization)
        return _NONE if found is None else found.roles

    # --- another version --------------------------------------------------------------------------

    def look(self) -> None:
        """Take another version now, where there is one, and return once that is done."""
        with self._lock:
            self._look()

    def promote(self, name: str, by: str) -> CanaryReport:
        """Try a version, make it the current one, and answer from it.

        Raises:
            Problem: One pipeline is served, and no folder.
            PromotionRefused: The canary found something, or another promotion is under way.
            ArtifactError: It cannot be loaded.
            OSError: The folder cannot be written to.
        """
        folder = self._versions()
        report = folder.promote(name, self.canary, by=by, consent=self.consent)
        with self._lock:
            self._tried = self._place_of(name)  # once is enough
            self._look()
        return report

    def roll_back(self, by: str) -> str:
        """Go back to the version promoted before the current one, and answer from it.

        Raises:
            Problem: One pipeline is served, and no folder.
            PromotionRefused: There is none, or a promotion is under way.
            ArtifactError: It cannot be loaded.
            OSError: The folder cannot be written to.
        """
        name = self._versions().rollback(by=by)
        with self._lock:
            self._tried = self._place_of(name)  # it was before it was promoted
            self._look()
        return name

    def _versions(self) -> ModelFolder:
        if self.folder is None:
            raise Problem(
                409, "one pipeline is served here, and no folder of versions", "no-versions"
            )
        return self.folder

    def close(self) -> None:
        """Stop following the folder, and write what the watch has seen."""
        self._ended = True
        self._wake.set()
        if self._looking is not None and self._looking is not threading.current_thread():
            self._looking.join(timeout=5)
        self._saved()

    def _begin(self) -> None:
        """Follow the folder in a thread, which ends with the service."""
        if self._looking is None and not self._ended:
            me = weakref.ref(self)
            self._looking = threading.Thread(
                target=_follow, args=(me, self._wake), name="suitably-service", daemon=True
            )
            self._looking.start()

    def _look(self) -> None:
        """Follow what the folder says, and what the register of consent does."""
        if self._attachments.changed:
            self._reread_consent()
        self._prepare()
        if self.folder is None:
            return
        try:
            name = self.folder.current
        except (SuitablyError, OSError) as error:  # vanished: the one that is served goes on
            self._refuse("current", error)
            return
        found = self._place_of(name)
        if name is None or found == self._looked_at:
            if "current" in self.refused:
                self.refused = {}
            return
        self._looked_at, served = found, self._served
        tried, self._tried = found == self._tried, None
        try:
            fresh = self.folder.load(name)
            present = None if served is None else served.pipeline
            report = None if tried else self.canary.check(fresh, present, self.consent)
            if report is not None and not report.ok:
                raise ArtifactError(str(report))
            self._turn(name, fresh)
            self._prepare()
        except Exception as error:  # whatever is wrong with it, the old one goes on
            self._refuse(name, error)
        else:
            self.refused = {}

    def _prepare(self) -> None:
        """Work out ahead what lists wait for: of another version, after an update, on a new day."""
        served = self._served
        if served is None:
            return
        moment = self.moment(served)
        if not self.is_prepared(served, moment):
            try:
                served.pipeline.prepare(moment)
            except SuitablyError as error:
                _log.error("serve: version %s cannot answer: %s", served.version, error)
                return
            self._prepared = (served, moment)

    def _place_of(self, name: str | None) -> tuple[str | None, Any]:
        """Return what tells a version from others; one saved anew under its name is another one."""
        assert self.folder is not None
        return name, file_stamp(self.folder.path / (name or "") / "manifest.sha256")

    def _turn(self, name: str, pipeline: Pipeline) -> None:
        """Answer from another pipeline from now on: one reference changes."""
        attached = self._attachments.to(pipeline)
        model = model_of(attached)
        version = name or ("in-memory" if model is None else model[:12])
        self.watching.turn_to(attached)
        first = self._served is None
        if self.folder is not None:  # nobody waits for it yet
            attached.prepare()
        self._served = Served(version, attached, model, datetime.now(UTC))
        if not first:
            self.reloads = {**self.reloads, "swapped": self.reloads["swapped"] + 1}
            _log.info("serve: version %s answers from now on", version)

    def _refuse(self, name: str, error: Exception) -> None:
        told = isinstance(error, SuitablyError | OSError)
        why = str(error) if told else f"{type(error).__name__} while it was tried"
        if self.refused.get(name) == why:
            return
        self.refused = {name: why}
        self.reloads = {**self.reloads, "refused": self.reloads["refused"] + 1}
        _log.error("serve: version %s is refused, the one before goes on: %s", name, why)

    def _updated(self) -> Served:
        """Take what the pipeline in memory was updated to."""
        assert self._source is not None
        with self._lock:
            if not self._same(self._served):
                self._turn("", self._source)
            assert self._served is not None
            self._wake.set()
            return self._served

    def _same(self, served: Served | None) -> bool:
        """Return whether the pipeline in memory still answers from what is served, or cannot."""
        source = self._source
        if source is None or served is None:
            return False
        return not source.is_fitted or source.shares_model(served.pipeline)

    def _reread_consent(self) -> None:
        try:
            self._attachments.refresh()
        except (SuitablyError, OSError) as error:
            _log.error("serve: the register of consent of before stays in force: %s", error)
            return
        if self._served is not None:
            served = self._served
            attached = self._attachments.to(served.pipeline)
            self._served = Served(served.version, attached, served.model, served.since)

    def _saved(self) -> None:
        try:
            self.watching.save()
        except (SuitablyError, OSError) as error:
            _log.error("serve: what the watch has seen cannot be written: %s", error)


_ALL, _NONE = frozenset(ROLES), frozenset[str]()


def _follow(service: "weakref.ref[Service]", wake: threading.Event) -> None:
    looks = 0
    while True:
        wake.wait(_EVERY)
        wake.clear()
        found = service()
        if found is None or found._ended:
            return
        found.look()
        looks += 1
        if looks % _SAVE_EVERY == 0:
            found._saved()
        del found
