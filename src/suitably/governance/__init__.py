"""Can we prove it? Consent."""

from suitably.governance.consent import PURPOSES, Consent

__all__ = ["PURPOSES", "Consent"]
