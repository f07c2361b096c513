"""Subjects: the pseudonyms of a model's users under a trail's key, worked out once each."""

from collections import OrderedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.vocabulary import Vocabulary
from suitably.errors import ArtifactError
from suitably.governance.row_bytes import DIGEST
from suitably.utils.fork import ForkLock
from suitably.utils.pseudonym import keyed_digest

__all__ = ["Subjects", "subject_of"]

_MODELS = 2
_FEW = 256


def subject_of(user_id: object, key: bytes) -> bytes:
    """Return the pseudonym that a trail has for a user: 16 bytes of an HMAC-SHA-256."""
    return keyed_digest(user_id, key)[:DIGEST]


class Subjects:
    """Keeps the pseudonyms of the users of the models asked last, 17 bytes for each user."""

    def __init__(self) -> None:
        self._lock = ForkLock()
        self._kept: OrderedDict[tuple[str, bytes], _Known] = OrderedDict()

    def of(
        self, model: str, users: Vocabulary, rows: NDArray[np.int64], ids: pa.Array, key: bytes
    ) -> NDArray[np.uint8]:
        """Return the pseudonyms of users: uint8 (users, 16).

        Args:
            model: The model's fingerprint.
            users: All of its users.
            rows: Their positions, −1 for one whom the model does not know.
            ids: Their ids.
            key: What they are under.

        Raises:
            ArtifactError: Two users of a model have the same one, so that a record could not tell
                whose it is.
        """
        with self._lock:
            known = self._kept.pop((model, key), None)
            if known is None or len(known.there) != len(users):
                known = _Known(len(users))
            self._kept[model, key] = known
            while len(self._kept) > _MODELS:
                self._kept.popitem(last=False)
            mine = rows[rows >= 0]
            known.fill(mine[~known.there[mine]], users, key)
        found = np.zeros((len(rows), DIGEST), np.uint8)
        found[rows >= 0] = known.digests[mine]
        for place in np.flatnonzero(rows < 0):
            stranger = subject_of(ids[int(place)].as_py(), key)
            found[place] = np.frombuffer(stranger, np.uint8)
        return found


class _Known:
    def __init__(self, users: int) -> None:
        self.digests = np.zeros((users, DIGEST), np.uint8)
        self.there = np.zeros(users, bool)

    def fill(self, rows: NDArray[np.int64], users: Vocabulary, key: bytes) -> None:
        if not len(rows):
            return
        ids = users.array.take(pa.array(rows)).to_pylist()
        made = np.frombuffer(b"".join(subject_of(one, key) for one in ids), np.uint8)
        made = made.reshape(-1, DIGEST)
        self._refuse_collisions(rows, made)
        self.digests[rows], self.there[rows] = made, True

    def _refuse_collisions(self, rows: NDArray[np.int64], made: NDArray[np.uint8]) -> None:
        new = np.ascontiguousarray(made).view("<u8").reshape(-1, 2)
        old = self.digests.view("<u8").reshape(-1, 2)
        if len(rows) <= _FEW:
            seen = any(
                bool(((old[:, 0] == one[0]) & (old[:, 1] == one[1]) & self.there).any())
                for one in new
            )
        else:
            seen = bool(np.isin(new[:, 0], old[self.there, 0]).any())
        distinct = len(np.unique(new, axis=0)) if len(rows) <= _FEW else len(np.unique(new[:, 0]))
        if seen or distinct < len(rows):
            raise ArtifactError(
                "audit: two users have the same pseudonym, so a record could not tell whose it is; "
                "open the trail with another key"
            )
