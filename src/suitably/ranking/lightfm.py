"""A hybrid: latent vectors of who it is and of what is known of it, trained by `lightfm`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from suitably.data.vocabulary import Vocabulary
from suitably.errors import DataError
from suitably.ranking.base import HistoryRanker
from suitably.ranking.contributions import AskedPair, Contributions
from suitably.ranking.hybrid.changes import changed_pairs
from suitably.ranking.hybrid.context_fields import now_of, user_fields
from suitably.ranking.hybrid.embeddings import Side
from suitably.ranking.hybrid.encoding import Encoding
from suitably.ranking.hybrid.lightfm_training import LOSSES, train
from suitably.ranking.hybrid.one_list import warn_of_one_list
from suitably.ranking.hybrid.own_vectors import Moves, OwnVectors
from suitably.ranking.interactions import WeightedInteractions, Weighting
from suitably.ranking.protocol import Factors, FitContext, State
from suitably.ranking.similarity import cosines
from suitably.utils.params import check_choice, check_positive, check_positive_int

__all__ = ["LightFM"]


class LightFM(HistoryRanker):
    """A hybrid: a vector for everyone seen in training, plus one for each of their features.

    The score of a pair is the product of both sides' sums of vectors, plus their biases. A
    user or product that training never saw has its features' vectors, so it is ranked, or
    ranks others, from its first day; one without any value in the named features and without a
    history has no score. `fold_in` reads features anew, and moves the vectors of users who have
    bought since the fit, all others as they are: to where the pairwise logistic loss of the new
    purchases, against a fixed sample of rivals by popularity, is least under an L2 penalty on the
    move. The penalty is the one by which the purchases of the fit explain best what training made
    of them.

    What a user turned down, at a negative weight, teaches training nothing; it moves the user's
    vector in the same way, at the fit too: to where it comes after the rivals, not before.

    Only the fields that are named are read: none by default, so what a policy needs, or what is
    sensitive (a birth date, a gender), has no say in the order unless it is asked for. Text and
    booleans become categories (those seen once share one column with those unseen), numbers and
    dates (as days before `as_of`) about ten bins of like counts, lists and maps their keys; a
    missing value has a column of its own.

    Only training needs the extra `suitably[lightfm]`: a saved model ranks without it.

    Args:
        factors: Length of the latent vectors.
        loss: `"warp"` or `"bpr"`. The other losses of `lightfm` are refused: the logistic one
            needs products that a user turned down, k-OS takes no weights.
        epochs: Passes over the interactions. Few short steps are the regularisation that works:
            with more or longer ones, everyone's own vector takes over from the features.
        learning_rate: The first step of adagrad.
        regularization: L2 penalty on all vectors.
        user_features: Profile fields, and columns of the users frame; the profile's first.
        product_features: Columns of the products frame.
        half_life_days: After how many days an interaction counts half; None: it never ages.
        event_weights: The weight of every kind of event that counts; None: those that mean
            ownership, at 1.

    Attributes:
        user_vectors_: float32 (users, factors + 2): 1, the bias, the vector.
        product_vectors_: float32 (products, factors + 2): the bias, 1, the vector.
        moves_: What users have bought since the fit, and how it has moved them.

    Warns:
        SuitabilityWarning: At fit, if almost everyone's first products are the same.

    Source:
        Kula, "Metadata Embeddings for User and Item Cold-start Recommendations", CBRecSys 2015,
        section 3; WARP: Weston, Bengio and Usunier, "WSABIE", IJCAI 2011.

    Example:
        >>> LightFM(factors=16, product_features=("grade", "term_months"))
        LightFM(factors=16, product_features=('grade', 'term_months'))
    """

    users_: Side
    products_: Side
    own_vectors_: OwnVectors | None
    moves_: Moves
    user_vectors_: NDArray[np.float32]
    product_vectors_: NDArray[np.float32]
    able_: NDArray[np.bool_]
    known_: NDArray[np.bool_]

    def __init__(
        self,
        factors: int = 32,
        loss: str = "warp",
        epochs: int = 15,
        learning_rate: float = 0.02,
        regularization: float = 0.0,
        user_features: Sequence[str] = (),
        product_features: Sequence[str] = (),
        half_life_days: float | None = None,
        event_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.factors = factors
        self.loss = loss
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.user_features = user_features
        self.product_features = product_features
        self.half_life_days = half_life_days
        self.event_weights = event_weights

    def fit(self, context: FitContext) -> Self:
        """Learn from who did what before the context's moment, and from the named fields.

        Raises:
            DataError: Nobody did anything that counts, a feature that is not there or cannot be
                one, or training that diverges.
            ImportError: The extra `suitably[lightfm]` is not installed.
            ValueError: A parameter out of range.
        """
        return super().fit(context)

    def _learn(self, history: WeightedInteractions, context: FitContext) -> None:
        now = now_of(context)
        # Products to come have no part in it, else they would serve as what nobody wants.
        wanted = history.wanted
        buyers, bought = wanted.active, wanted.known
        fields, shelf = user_fields(context), context.data.product_fields
        users = Encoding.learn("user", self.user_features, fields, now, buyers)
        products = Encoding.learn("product", self.product_features, shelf, now, bought)
        who, what = users.encode(fields, now)[buyers], products.encode(shelf, now)[bought]
        people, goods = train(
            *(wanted.core, who, what),
            loss=self.loss,
            factors=self.factors,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            seed=context.seed,
        )
        self.users_ = Side.learned(users, people, who, buyers)
        self.products_ = Side.learned(products, goods, what, bought)
        self.moves_ = Moves()
        self._represent(context)
        popularity = np.bincount(wanted.weights.indices, minlength=len(self.known_))
        rows = np.flatnonzero(buyers)
        self.own_vectors_ = OwnVectors.matching(
            popularity.astype(np.float64),
            wanted.sized(rows),
            self.product_vectors_,
            self.users_.of_features(fields, now)[rows, 1:],
            self.users_.own[rows, 1:],
        )
        able, vectors = (self.able_, self.known_), (self.user_vectors_, self.product_vectors_)
        warn_of_one_list(able, vectors, wanted)
        self._turn_away(history, context)

    def _turn_away(self, history: WeightedInteractions, context: FitContext) -> None:
        """Move users from what they turned down before the fit, as `fold_in` does later."""
        pairs = sparse.coo_array(history.weights)
        against = pairs.data < 0
        users, products = (side[against].astype(np.int64) for side in (pairs.row, pairs.col))
        if len(users):
            self.moves_ = self.moves_.plus(users, products)
            self._find_moves(np.unique(users), self.user_vectors_[:, 2:], history)
            self._represent_users(context)

    def score_rows(self, rows: NDArray[np.int64]) -> Factors:
        """Return the vectors of users by row and of products, biases included."""
        self._check_fitted()
        vectors = np.zeros((len(rows), self.product_vectors_.shape[1]), np.float32)
        vectors[rows >= 0] = self.user_vectors_[rows[rows >= 0]]
        return Factors(vectors, self.product_vectors_, self.known_)

    def can_score_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which users by row were in training or have a feature that was: bool (rows,)."""
        self._check_fitted()
        able: NDArray[np.bool_] = np.zeros(len(rows), bool)
        able[rows >= 0] = self.able_[rows[rows >= 0]]
        return able

    def contributions(self, pair: AskedPair) -> Contributions | None:
        """Return what each named field of the user adds; biases and a vector of one's own are rest.

        Fields that have changed since the vectors were summed up add up to something else: then
        all of it is rest.
        """
        self._check_fitted()
        row, product = pair.user.rows.item(), pair.product
        if row < 0 or product >= len(self.known_) or not self.known_[product]:
            return None
        user, other = (
            vectors[at].astype(np.float64)
            for vectors, at in ((self.user_vectors_, row), (self.product_vectors_, product))
        )
        score = float(user @ other)
        try:
            vectors, own = self.users_.parts(row, pair.read_fields(), pair.now)
            own[1:] += self.moves_.of(row)
        except DataError:
            return Contributions(rest=score)
        if not np.allclose(own + vectors.sum(axis=0), user[1:], rtol=1e-4, atol=1e-6):
            return Contributions(rest=score)
        values = (vectors @ other[1:]).tolist()
        by_field = tuple(zip(self.user_features, values, strict=True))
        return Contributions(by_field=by_field, rest=score - sum(values))

    def product_similarities(self, product: int) -> NDArray[np.float32]:
        """Return the cosine of every product's vector with one's, by position, without biases.

        Returns:
            float32 (products,), NaN for products of which nothing is known.
        """
        self._check_fitted()
        alike = cosines(self.product_vectors_[:, 2:], product)
        alike[~self.known_] = np.nan
        return alike

    def of_users(self, kept: NDArray[np.bool_]) -> Self:
        """Return a ranker without the vectors of the other users: bool (users,)."""
        made = super().of_users(kept)
        made.users_, made.moves_ = self.users_.only(kept), self.moves_.only(kept)
        made.user_vectors_, made.able_ = self.user_vectors_[kept], self.able_[kept]
        return made

    def fold_in(self, context: FitContext) -> Self:
        """Read everyone's features as they stand now, and learn what new purchases say of users.

        Raises:
            DataError: A feature that is gone, or of another kind than at the fit.
        """
        self._check_fitted()
        made = copy.copy(self)
        if self.own_vectors_ is None:
            made._represent(context)
            return made
        self.users_.check_rows(len(context.data.users))
        joint, rows = context.interactions.added_to(self.interactions_)
        made._go_by(joint)
        made.moves_ = self.moves_.plus(*changed_pairs(self.interactions_, joint, rows))
        made._fold(rows, context)
        return made

    def _fold(self, changed: NDArray[np.int64], context: FitContext) -> None:
        users, products = self.user_vectors_, self.product_vectors_
        self._represent_products(context)
        shared = self.users_.of_features(user_fields(context), now_of(context))
        shared[: len(self.users_.own)] += self.users_.own
        stale = self.moves_.users
        if np.array_equal(self.product_vectors_[: len(products)], products):
            # Moves stay as they are for whom nothing has changed.
            stale = rows = self.moves_.rows
            if len(rows):
                now = shared[rows, 1:] + self.moves_.vectors
                stale = rows[(now != users[rows, 2:]).any(axis=1)]
        self._find_moves(np.union1d(changed, stale), shared[:, 1:], self.interactions_)
        self._represent_users(context)

    def _find_moves(
        self, rows: NDArray[np.int64], vectors: NDArray[np.float32], history: WeightedInteractions
    ) -> None:
        owned = history.sized(rows)
        shape = (len(vectors), owned.shape[1])
        lines = sparse.csr_array(owned * self.moves_.among(rows, shape))
        lines = sparse.csr_array(lines * self.known_.astype(np.float32))
        lines.eliminate_zeros()
        lines.sort_indices()
        some = np.diff(lines.indptr) > 0
        if self.own_vectors_ is None or not some.any():
            return
        rows, lines, owned = rows[some], lines[some], owned[some]
        found = self.own_vectors_.of(lines, owned, self.product_vectors_, vectors[rows])
        self.moves_ = self.moves_.put(rows, found)

    def shared_interactions(self) -> Mapping[Weighting, WeightedInteractions]:
        """Return the interactions it goes by; one saved before it went by any has none."""
        self._check_fitted()
        return {} if self.own_vectors_ is None else super().shared_interactions()

    def attach(
        self, users: Vocabulary, interactions: Mapping[Weighting, WeightedInteractions]
    ) -> Self:
        """Return a ranker that goes by a model's users and interactions.

        Raises:
            LookupError: The model has none of this weighting.
            ValueError: They are not those it has vectors of.
        """
        if len(users) != len(self.user_vectors_):
            raise ValueError("LightFM: users and their vectors do not fit")
        if self.own_vectors_ is not None:
            return super().attach(users, interactions)
        made = copy.copy(self)
        made._user_ids = users
        return made

    def state(self) -> State:
        """Return the parameters and what was learned; of anyone's fields only their vectors."""
        self._check_fitted()
        return {
            **self.get_params(deep=False),
            "user_vectors": self.user_vectors_,
            "product_vectors": self.product_vectors_,
            "able": self.able_,
            "known": self.known_,
            **self.moves_.state(),
            **({} if self.own_vectors_ is None else self.own_vectors_.state()),
            **self.users_.state(),
            **self.products_.state(),
        }

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Make a fitted ranker from a state.

        Raises:
            ValueError: The parts do not fit each other.
        """
        params = {name: state[name] for name in cls().get_params(deep=False)}
        features = ("user_features", "product_features")
        made = cls(**{**params, **{name: tuple(params[name]) for name in features}})
        made.user_vectors_, made.able_ = state["user_vectors"], state["able"]
        made.product_vectors_, made.known_ = state["product_vectors"], state["known"]
        made.users_, made.products_ = (Side.from_state(s, state) for s in ("user", "product"))
        made.own_vectors_ = OwnVectors.from_state(state)
        users, products = made.user_vectors_.shape, made.product_vectors_.shape
        fits = (
            users == (len(made.able_), made.users_.shared.shape[1] + 1)
            and products == (len(made.known_), made.products_.shared.shape[1] + 1)
            and users[1] == products[1]
            and made.able_.shape == (users[0],)
            and made.known_.dtype == made.able_.dtype == np.bool_
            and (made.own_vectors_ is None or len(made.own_vectors_.popularity) <= products[0])
            and len(made.users_.own) <= users[0]
            and len(made.products_.own) <= products[0]
        )
        if not fits:
            raise ValueError("LightFM: users, products and vectors do not fit each other")
        made.moves_ = Moves.from_state(state, users[0], users[1] - 2)
        return made

    def _represent(self, context: FitContext) -> None:
        """Sum up the vectors of all users and products of a context."""
        self._represent_products(context)
        self._represent_users(context)

    def _represent_products(self, context: FitContext) -> None:
        products, self.known_ = self.products_.vectors(context.data.product_fields, now_of(context))
        self.product_vectors_ = np.insert(products, 1, 1, axis=1)

    def _represent_users(self, context: FitContext) -> None:
        users, self.able_ = self.users_.vectors(user_fields(context), now_of(context))
        if len(self.moves_.rows):
            users[self.moves_.rows, 1:] += self.moves_.vectors
            self.able_[self.moves_.rows] = True
        self._user_ids = context.data.users.ids
        self.user_vectors_ = np.insert(users, 0, 1, axis=1)

    def _check_params(self) -> None:
        check_positive_int(self, "factors", "epochs")
        check_positive(self, "learning_rate")
        check_positive(self, "regularization", zero=True)
        check_choice(self, "loss", LOSSES)
        for which in ("user_features", "product_features"):
            names = getattr(self, which)
            several = isinstance(names, list | tuple) and all(isinstance(n, str) for n in names)
            if not several or len(set(names)) < len(names):
                raise ValueError(f"LightFM({which}={names!r}): must be a list of distinct names")
