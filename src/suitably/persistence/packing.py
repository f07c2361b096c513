"""Packed models: the files of a saved model as bytes, the form of copies and pickles."""

import tempfile
import weakref
from pathlib import Path

from suitably.model.model import Model
from suitably.persistence.components import component_classes
from suitably.persistence.model import load_model, save_model

__all__ = ["pack", "unpack"]


def pack(model: Model) -> tuple[dict[str, bytes], tuple[type, ...]]:
    """Return the files of a model by name, and the classes it is made of.

    Raises:
        ArtifactError: A component cannot be saved.
    """
    parts = (*model.state.builders, *model.rankers, *model.rerankers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        save_model(model, path)
        files = {file.name: file.read_bytes() for file in path.iterdir()}
    found = (cls for part in parts for cls in component_classes(part))
    return files, tuple(dict.fromkeys(found))


def unpack(files: dict[str, bytes], trusted: tuple[type, ...]) -> Model:
    """Make a model of its files; they are kept in a temporary folder for as long as it lives.

    Raises:
        ArtifactError: The files are damaged.
    """
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    path = Path(folder.name, "model")
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    model = load_model(path, "full", trusted)
    # Arrays are maps of the files.
    weakref.finalize(model, folder.cleanup)
    return model
