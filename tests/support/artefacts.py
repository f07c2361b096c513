"""A saved model's folder, changed by somebody who makes its digests right again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suitably.persistence.fingerprint import manifest_fingerprint

__all__ = ["forge", "write_manifest"]


def forge(folder: Path, change: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Make every digest right again, as someone would who wants to be believed."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for file in manifest["files"]:
        if (folder / file).is_file():
            digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
            manifest["files"][file] = digest
            manifest["sizes"][file] = (folder / file).stat().st_size
    manifest["fingerprint"] = None
    if change is not None:
        change(manifest)
    if manifest.get("fingerprint", 0) is None:
        manifest["fingerprint"] = manifest_fingerprint(manifest)
    write_manifest(folder, json.dumps(manifest).encode())


def write_manifest(folder: Path, data: bytes) -> None:
    """Write a manifest and its digest."""
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.sha256").write_bytes(hashlib.sha256(data).hexdigest().encode())
