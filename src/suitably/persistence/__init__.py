"""Save and load a fitted pipeline, without pickle and without running anything."""

from suitably.persistence.model import load, save

__all__ = ["load", "save"]
