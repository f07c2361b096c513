"""A fitted model as a folder of plain files: without pickle, and without running anything."""

from suitably.persistence.description import ModelDescription, describe_model
from suitably.persistence.model import load_model, save_model

__all__ = ["ModelDescription", "describe_model", "load_model", "save_model"]
