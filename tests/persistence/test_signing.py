"""Who signed a model can be asked for; what they signed is all that is taken."""

import hashlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import suitably as st
from suitably.engines import worker
from suitably.persistence import describe_model, publishing
from suitably.persistence.signing import check_signature, signer, verifier
from support.artefacts import forge
from support.banks import popular

ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
from cryptography.hazmat.primitives import serialization as forms  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa, x25519  # noqa: E402

OURS, THEIRS = (ed25519.Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
OLD, NEW = popular(9).fitted(), popular(9).fitted(st.ranking.EASE())


def private_pem(key: Any, password: bytes | None = None) -> bytes:
    lock = forms.BestAvailableEncryption(password) if password else forms.NoEncryption()
    pem: bytes = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, lock)
    return pem


def public_pem(key: Any) -> bytes:
    info = forms.PublicFormat.SubjectPublicKeyInfo
    pem: bytes = key.public_key().public_bytes(forms.Encoding.PEM, info)
    return pem


def signatures(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.glob("*.sig"))


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    OLD.save(tmp_path / "model", sign=OURS)
    return tmp_path / "model"


def test_a_published_vector() -> None:
    """RFC 8032, 7.1, test 1: what `cryptography` signs is Ed25519."""
    secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert key.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06")


def test_a_signature_is_of_the_digest_for_this_purpose_alone() -> None:
    one = signer(OURS)("ab" * 32)
    assert len(one) == 64
    assert one == OURS.sign(b"suitably: manifest of a saved model, sha256 " + b"ab" * 32)
    is_right = verifier(OURS.public_key())
    assert is_right("ab" * 32, one)
    assert not is_right("ab" * 31 + "ac", one)
    assert not is_right("ab" * 32, OURS.sign(b"ab" * 32))
    assert not verifier(THEIRS.public_key())("ab" * 32, one)


@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_keys_in_any_form(tmp_path: Path, verify: Any) -> None:
    (tmp_path / "private.pem").write_bytes(private_pem(OURS))
    (tmp_path / "public.pem").write_bytes(public_pem(OURS))
    private = [OURS, private_pem(OURS), private_pem(OURS).decode(), tmp_path / "private.pem"]
    public = [OURS.public_key(), public_pem(OURS), public_pem(OURS).decode()]
    for place, key in enumerate([*private, str(tmp_path / "private.pem")]):
        path = tmp_path / f"model{place}"
        OLD.save(path, sign=key)
        assert signatures(path) == [f"{digest(path)}.sig"]
        assert (path / signatures(path)[0]).stat().st_size == 64
    for other in [*public, tmp_path / "public.pem", str(tmp_path / "public.pem")]:
        assert st.load(path, verify=verify, public_key=other).is_fitted
        assert describe_model(path, public_key=other).schema == 5
    assert st.load(path, verify=verify).is_fitted, "nobody has to ask"


@pytest.mark.parametrize("verify", ["full", "manifest"])
def test_what_is_not_signed_by_the_key_is_refused(model: Path, tmp_path: Path, verify: Any) -> None:
    OLD.save(tmp_path / "unsigned")
    NEW.save(tmp_path / "other", sign=OURS)
    signature = model / signatures(model)[0]
    for read in (lambda p, k: st.load(p, verify=verify, public_key=k), describe_model):
        with pytest.raises(st.ArtifactError, match="not signed with the key"):
            read(model, THEIRS.public_key())
        with pytest.raises(st.ArtifactError, match="is not signed: has no"):
            read(tmp_path / "unsigned", OURS.public_key())
    whole = signature.read_bytes()
    foreign = (tmp_path / "other" / signatures(tmp_path / "other")[0]).read_bytes()
    others = [b"", whole[:63], whole + b"\0", bytes(64), foreign, whole.hex().encode()]
    for other in [*others, whole[:-1] + bytes([whole[-1] ^ 1])]:
        signature.write_bytes(other)
        with pytest.raises(st.ArtifactError, match="not signed with the key"):
            st.load(model, verify=verify, public_key=OURS.public_key())
        assert st.load(model, verify=verify).is_fitted, "as before"


def test_a_forger_who_knows_every_digest(model: Path) -> None:
    signature = (model / signatures(model)[0]).read_bytes()
    forge(model, lambda m: m.update(seed=7))
    assert st.load(model).is_fitted, "digests alone do not tell"
    with pytest.raises(st.ArtifactError, match="is not signed"):
        st.load(model, public_key=OURS.public_key())
    (model / f"{digest(model)}.sig").write_bytes(signature)
    with pytest.raises(st.ArtifactError, match="not signed with the key"):
        st.load(model, public_key=OURS.public_key())


def test_nothing_is_parsed_before_the_signature_is_right(model: Path) -> None:
    data = b'{"schema": 99}'
    (model / "manifest.json").write_bytes(data)
    (model / "manifest.sha256").write_text(hashlib.sha256(data).hexdigest())
    with pytest.raises(st.ArtifactError, match="is not signed"):
        st.load(model, public_key=OURS.public_key())
    with pytest.raises(st.ArtifactError, match="newer version"):
        st.load(model)


def test_a_signature_that_is_no_file(model: Path, tmp_path: Path) -> None:
    signature = model / signatures(model)[0]
    whole = signature.read_bytes()
    (tmp_path / "elsewhere").write_bytes(whole)
    makers: list[Callable[[], Any]] = [
        lambda: signature.symlink_to(tmp_path / "elsewhere"),
        lambda: os.mkfifo(signature),
        signature.mkdir,
        lambda: signature.symlink_to("/dev/zero"),
    ]
    for make in makers:
        signature.rmdir() if signature.is_dir() else signature.unlink(missing_ok=True)
        make()
        with pytest.raises(st.ArtifactError, match="is not signed"):
            st.load(model, public_key=OURS.public_key())
    signature.unlink()
    with signature.open("wb") as file:  # huge, and nothing on the disk
        file.truncate(1 << 40)
    with pytest.raises(st.ArtifactError, match="not signed with the key"):
        st.load(model, public_key=OURS.public_key())
    signature.unlink()
    os.link(tmp_path / "elsewhere", signature)
    assert st.load(model, public_key=OURS.public_key()).is_fitted, "a hard link is a file"


def test_saving_over_a_signed_model_leaves_no_stale_signature(model: Path) -> None:
    before = digest(model)
    NEW.save(model, sign=THEIRS)
    assert digest(model) != before
    assert signatures(model) == [f"{digest(model)}.sig"]
    assert st.load(model, public_key=THEIRS.public_key()).is_fitted
    OLD.save(model)
    assert signatures(model) == []
    OLD.save(model, sign=OURS)
    assert signatures(model) == [f"{before}.sig"]
    OLD.save(model, sign=THEIRS)
    with pytest.raises(st.ArtifactError):
        st.load(model, public_key=OURS.public_key())
    OLD.save(model)
    assert signatures(model) == [], "nor where it is the same model once more"
    assert st.load(model).is_fitted


def test_a_foreign_file_is_kept(model: Path) -> None:
    for name in ("release.sig", "manifest.sig", "ABC.sig"):
        (model / name).write_bytes(b"x")
    NEW.save(model)
    assert signatures(model) == ["ABC.sig", "manifest.sig", "release.sig"]


def test_a_save_that_fails_leaves_the_signed_model(model: Path, monkeypatch: Any) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "digest_lines", full)
    with pytest.raises(OSError, match="No space"):
        NEW.save(model, sign=OURS)
    assert st.load(model, public_key=OURS.public_key()).is_fitted
    assert len(signatures(model)) == 1


class Killing:
    """The module `os`, in which the process is killed before a change of the disk."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __getattr__(self, name: str) -> Any:
        call = getattr(os, name)
        if name not in ("open", "write", "fsync", "replace", "unlink"):
            return call

        def counted(*args: Any, **kwargs: Any) -> Any:
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1
            return call(*args, **kwargs)

        return counted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are copied")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_any_step_the_folder_is_signed(model: Path) -> None:
    """Without the steps for the files of arrays, which are others' test, there are few."""
    NEW.save(model, sign=OURS)
    new = digest(model)
    OLD.save(model, sign=OURS)
    old, seen = digest(model), []
    for left in range(1_000):
        child = os.fork()
        if not child:
            try:
                publishing.os = Killing(left)  # type: ignore[assignment,attr-defined]
                NEW.save(model, sign=OURS)
            finally:
                os._exit(0)
        status = os.waitpid(child, 0)[1]
        describe_model(model, public_key=OURS.public_key())
        seen.append(digest(model))
        if not os.WIFSIGNALED(status):
            break
        if seen[-1] == new:
            OLD.save(model, sign=OURS)
    assert set(seen) == {old, new}
    assert st.load(model, public_key=OURS.public_key()).is_fitted
    assert signatures(model) == [f"{new}.sig"]


BAD_PRIVATE: list[Any] = [
    OURS.public_key(), public_pem(OURS), b"", b"x" * 32, b"-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----", rsa.generate_private_key(65537, 2048),
    private_pem(x25519.X25519PrivateKey.generate()), private_pem(OURS, b"password"),
    7, [], object(),
]  # fmt: skip


@pytest.mark.parametrize("key", BAD_PRIVATE, ids=range(len(BAD_PRIVATE)))
def test_what_cannot_sign(tmp_path: Path, key: Any) -> None:
    with pytest.raises(ValueError, match="sign: ") as error:
        OLD.save(tmp_path / "model", sign=key)
    assert "MC4CAQ" not in str(error.value), "no part of a private key is shown"
    assert not (tmp_path / "model").exists()
    with pytest.raises(FileNotFoundError):
        OLD.save(tmp_path / "model", sign=tmp_path / "nowhere.pem")


@pytest.mark.parametrize(
    "key", [OURS, private_pem(OURS), b"", b"x" * 32, OURS.public_key().public_bytes_raw(), 7, {}]
)
def test_what_cannot_check(model: Path, key: Any) -> None:
    with pytest.raises(ValueError, match="public_key: "):
        st.load(model, public_key=key)
    with pytest.raises(FileNotFoundError):
        st.load(model, public_key=model / "nowhere.pem")


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    for call in (
        lambda: OLD.save(tmp_path / "other", sign=OURS),
        lambda: st.load(model, public_key=OURS.public_key()),
    ):
        with pytest.raises(ImportError, match=r"suitably\[sign\]"):
            call()
    assert not (tmp_path / "other").exists()
    assert st.load(model).is_fitted
    OLD.save(model)


def test_engines_check_where_the_work_is_given_out(model: Path) -> None:
    """Workers take the very manifest that was checked, by its digest."""
    how: Any = {"k": 2, "as_of": None, "verify": "full", "trusted": ()}
    task = worker.prepare(model, **how, public_key=OURS.public_key())
    assert task.digest == digest(model)
    with pytest.raises(st.ArtifactError, match="not signed with the key"):
        worker.prepare(model, **how, public_key=THEIRS.public_key())
    users, out = model.parent / "users.csv", model.parent / "lists.csv"
    users.write_text("user_id\nu0\n")
    run = st.engines.files.recommend
    assert run(model, users, out, k=2, public_key=OURS.public_key()).served == 1
    with pytest.raises(st.ArtifactError, match="not signed with the key"):
        run(model, users, out, k=2, public_key=THEIRS.public_key())


def test_a_signature_beside_nothing(tmp_path: Path) -> None:
    with pytest.raises(st.ArtifactError, match="is not signed"):
        check_signature(tmp_path, "0" * 64, verifier(OURS.public_key()))
