"""Attachments: the audit and the register of consent, which no saved model holds."""

from suitably.errors import DataError
from suitably.governance import AuditTrail, Consent
from suitably.pipeline.pipeline import Pipeline
from suitably.serving.settings import Settings
from suitably.utils.data_file import read_data_file
from suitably.utils.files import file_stamp

__all__ = ["Attachments"]


class Attachments:
    """Opens what the settings name, and reads the register again once its file has changed.

    Args:
        settings: What they say.

    Raises:
        SuitablyError: One of the files cannot be used.
        OSError: One of them cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.audit: AuditTrail | None = _trail(settings)
        self._stamp = file_stamp(settings.consent.file)
        self.consent = self._read()

    @property
    def changed(self) -> bool:
        """Whether the register's file is another one than was read."""
        return file_stamp(self._settings.consent.file) != self._stamp

    def refresh(self) -> None:
        """Read the register again.

        Raises:
            SuitablyError: It cannot be used; the one before stays, until the file changes again.
            OSError: Likewise.
        """
        self._stamp = file_stamp(self._settings.consent.file)
        self.consent = self._read()

    def to(self, pipeline: Pipeline) -> Pipeline:
        """Return a pipeline with both; what the settings do not name, it keeps of its own."""
        made = pipeline.with_audit(pipeline.audit if self.audit is None else self.audit)
        return made if self.consent is None else made.with_consent(self.consent)

    def _read(self) -> Consent | None:
        said = self._settings.consent
        if said.file is None:
            return None
        return Consent(read_data_file(said.file), said.sensitive_fields)


def _trail(settings: Settings) -> AuditTrail | None:
    said = settings.audit
    if said.path is None:
        return None
    if said.keys is None:
        return AuditTrail(said.path)
    try:
        keys = [bytes.fromhex(line) for line in said.keys.read_text(encoding="ascii").split()]
        return AuditTrail(said.path, keys)
    except ValueError as error:
        raise DataError(f"{said.keys}: holds no keys of an audit trail: {error}") from None
