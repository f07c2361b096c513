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
    """Keeps the pseudonyms of the users of the models asked last, 25 bytes for each user."""

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
    """The pseudonyms worked out so far, and the first halves of all of them in order."""

    def __init__(self, users: int) -> None:
        self.digests = np.zeros((users, DIGEST), np.uint8)
        self.there = np.zeros(users, bool)
        self._ordered = np.zeros(0, np.uint64)
        self._latest: set[int] = set()

    def fill(self, rows: NDArray[np.int64], users: Vocabulary, key: bytes) -> None:
        if not len(rows):
            return
        ids = users.array.take(pa.array(rows)).to_pylist()
        made = np.frombuffer(b"".join(subject_of(one, key) for one in ids), np.uint8)
        made = made.reshape(-1, DIGEST)
        self._refuse_collisions(made)
        self.digests[rows], self.there[rows] = made, True

    def _refuse_collisions(self, made: NDArray[np.uint8]) -> None:
        halves = np.sort(np.ascontiguousarray(made).view("<u8")[:, 0])
        places = np.searchsorted(self._ordered, halves)
        found = set(halves.tolist())
        if (
            len(found) < len(halves)
            or not found.isdisjoint(self._latest)
            or (len(self._ordered) and bool((self._at(places) == halves).any()))
        ):
            raise ArtifactError(
                "audit: two users have the same pseudonym, so a record could not tell whose it is; "
                "open the trail with another key"
            )
        self._latest |= found
        if len(self._latest) > _FEW:  # to merge them costs a copy of all
            latest = np.sort(np.fromiter(self._latest, np.uint64, len(self._latest)))
            self._ordered = np.insert(self._ordered, np.searchsorted(self._ordered, latest), latest)
            self._latest = set()

    def _at(self, places: NDArray[np.int64]) -> NDArray[np.uint64]:
        return self._ordered[np.minimum(places, len(self._ordered) - 1)]
