"""Candidate pairs: every product that a user's list could hold, with its score, block by block."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.frames import take_rows
from suitably.pipeline.generate import GeneratedLists, ListGenerator

__all__ = ["Candidates"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Candidates:
    """The pairs that lists are drawn from: eligible, scored, neither owned nor turned down.

    Rerankers have no say in them, and nothing is recorded: they are offered to nobody yet.

    Attributes:
        rows: int64 (users,), the users by position among those of the pipeline, in the order asked;
            −1: unknown, without candidates.
        generator: What draws lists up, as deep as asked for.

    Example:
        >>> import suitably as st
        >>> bank = st.data.simulate_bank(users=50, products=20)
        >>> pipeline = st.Pipeline(policy="cn-csrc-amac", ranker=st.ranking.Popularity()).fit(bank)
        >>> counts = pipeline.candidates().map(lambda _, part: int(part.lists.lengths.sum()))
        >>> sum(count for _, count in counts)
        105
    """

    rows: NDArray[np.int64]
    generator: ListGenerator

    @staticmethod
    def of(generator: ListGenerator, rows: NDArray[np.int64]) -> "Candidates":
        """Return the candidates of users, without what reorders or draws lists."""
        return Candidates(rows, replace(generator, rerankers=()))

    @property
    def user_ids(self) -> NDArray[Any]:
        """The users known, in the order asked."""
        return np.asarray(self.generator.state.users.values[self.rows[self.rows >= 0]])

    @property
    def product_ids(self) -> NDArray[Any]:
        """The catalogue, in order; codes of lists are positions in it."""
        return self.generator.state.catalogue.values

    @property
    def user_fields(self) -> pa.Table:
        """The fields that rules read, profiles included, of the users known: a row each."""
        rows = self.rows[self.rows >= 0]
        return take_rows(self.generator.snapshot.fields, pa.array(rows))

    @property
    def product_fields(self) -> pa.Table:
        """The fields of products, in the order of the catalogue."""
        return self.generator.state.catalogue.fields

    @property
    def as_of(self) -> pd.Timestamp | None:
        """The moment; None in data without timestamps."""
        moment = self.generator.snapshot.as_of
        return None if moment is None else self.generator.state.clock.stamp(moment)

    def map(
        self, work: Callable[[NDArray[np.int64], GeneratedLists], _T]
    ) -> Iterator[tuple[NDArray[np.int64], _T]]:
        """Do something with the candidates of every block of users, a block on each core.

        Args:
            work: Is given the places of users in the order asked, and their candidates, best first:
                `lists` holds codes of products, scores and lengths, `stood_in` tells of whom the
                ranker knows nothing, so that the fallback's scores stand there.

        Yields:
            The places of a block, and what became of it. Users in no block are unknown.
        """
        yield from self.generator.blocks(self.rows, work)
