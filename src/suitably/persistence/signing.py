"""Detached signatures: Ed25519 over the digest of a manifest, which names all other digests."""

import importlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from suitably.errors import ArtifactError
from suitably.persistence.folder import open_regular, signature_name

__all__ = ["Key", "check_signature", "signer", "verifier"]

# A key of `cryptography`, its PEM, or the path of its PEM.
Key = Any

_PURPOSE = b"suitably: manifest of a saved model, sha256 "  # a signature of it says nothing else
_BYTES = 64
_PEM = "-----BEGIN"


def signer(key: Key) -> Callable[[str], bytes]:
    """Return what signs the digest of a manifest.

    Args:
        key: An Ed25519 private key.

    Raises:
        ImportError: The extra `sign` is not installed.
        ValueError: Another kind of key, or one behind a password.
        OSError: There is no file at a path, or it cannot be read.

    Source:
        Josefsson and Liusvaara, RFC 8032 (2017), Ed25519.
    """
    ed25519, serialization = _cryptography()
    read = serialization.load_pem_private_key
    found = _read(key, "sign", lambda pem: read(pem, password=None))
    if not isinstance(found, ed25519.Ed25519PrivateKey):
        raise ValueError(f"sign: must be an Ed25519 private key, not a {type(found).__name__}")
    return lambda digest: found.sign(_PURPOSE + digest.encode("ascii"))


def verifier(public_key: Key) -> Callable[[str, bytes], bool]:
    """Return what tells whether a signature of a digest is by the owner of a key.

    Args:
        public_key: An Ed25519 public key.

    Raises:
        ImportError: The extra `sign` is not installed.
        ValueError: Another kind of key.
        OSError: There is no file at a path, or it cannot be read.
    """
    ed25519, serialization = _cryptography()
    invalid = importlib.import_module("cryptography.exceptions").InvalidSignature
    found = _read(public_key, "public_key", serialization.load_pem_public_key)
    if not isinstance(found, ed25519.Ed25519PublicKey):
        raise ValueError(f"public_key: must be an Ed25519 public key, not a {type(found).__name__}")

    def is_right(digest: str, signature: bytes) -> bool:
        try:
            found.verify(signature, _PURPOSE + digest.encode("ascii"))
        except invalid:
            return False
        return True

    return is_right


def check_signature(folder: Path, digest: str, is_right: Callable[[str, bytes], bool]) -> None:
    """Refuse a manifest, by its digest, that the owner of a key has not signed.

    Raises:
        ArtifactError: There is no signature, or it is of another key, digest or length.
    """
    name = signature_name(digest)
    try:
        with open_regular(folder / name) as file:
            signature = file.read(_BYTES + 1)
    except OSError:
        raise ArtifactError(f"{folder}: is not signed: has no {name[:8]}….sig") from None
    if len(signature) != _BYTES or not is_right(digest, signature):
        raise ArtifactError(f"{folder}: is not signed with the key that public_key belongs to")


def _read(key: Key, name: str, read: Callable[[bytes], Any]) -> Any:
    if isinstance(key, str) and _PEM in key:  # no path: an error must not show a private key
        key = key.encode()
    if isinstance(key, str | PathLike):
        key = Path(key).read_bytes()
    if not isinstance(key, bytes | bytearray):
        return key
    try:
        return read(bytes(key))
    except TypeError:
        raise ValueError(
            f"{name}: the PEM is encrypted: read it with its password by cryptography's "
            f"load_pem_private_key, and give the key"
        ) from None
    except Exception as error:  # UnsupportedAlgorithm is no ValueError
        raise ValueError(f"{name}: is no PEM of such a key ({type(error).__name__})") from None


def _cryptography() -> tuple[Any, Any]:
    try:
        return (
            importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519"),
            importlib.import_module("cryptography.hazmat.primitives.serialization"),
        )
    except ImportError as error:
        raise ImportError(
            f"signed models: need the package cryptography ({error}); "
            f"install it with: pip install 'suitably[sign]'"
        ) from error
