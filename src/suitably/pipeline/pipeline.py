"""Pipelines: data, profiles, suitability, ranking, reranking, in this order and no other."""

import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from suitably.data.dataset import Dataset
from suitably.data.frames import write_frame
from suitably.data.vocabulary import id_array
from suitably.errors import DataError, NotFittedError
from suitably.model.erasure import erase
from suitably.model.model import Learnable, Model
from suitably.model.positions import Positions, positions_for
from suitably.model.state import Snapshot, build_state
from suitably.persistence.folder import Verify
from suitably.persistence.model import load_model, save_model
from suitably.persistence.packing import fingerprint, pack, unpack
from suitably.pipeline.asked import asked_products, asked_users, check_k, kind_of
from suitably.pipeline.batches import stream
from suitably.pipeline.candidates import Candidates
from suitably.pipeline.decision_block import AuditLog
from suitably.pipeline.diagram import pipeline_html
from suitably.pipeline.fallback import check_draws_last, rankers_with_fallback
from suitably.pipeline.generate import ListGenerator
from suitably.pipeline.lessons import Lesson, lessons, what_if
from suitably.pipeline.opt_out import ConsentRegister, learnable, opt_out, withheld_fields
from suitably.pipeline.recording import record
from suitably.pipeline.similar import similar_products
from suitably.pipeline.stepwise import generate_stepwise
from suitably.pipeline.switched_off import SwitchedOff, SwitchState
from suitably.pipeline.trace import Trace, trace
from suitably.profiles.protocol import Builder
from suitably.ranking.protocol import DrawingRanker, Ranker
from suitably.recommendations import Recommendations
from suitably.reranking.protocol import Reranker
from suitably.suitability.amounts import read_amounts
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.policy import Policy, PolicySource, read_policies
from suitably.suitability.reasons import Reason
from suitably.suitability.verdicts import RuleVerdict, pseudo_verdict
from suitably.suitability.what_if.record import WhatIf
from suitably.typing import AsOf, IdLike, IdsLike, IntoFrame
from suitably.utils import bitset
from suitably.utils.fork import ForkLock
from suitably.utils.params import Parameterized, clone
from suitably.utils.progress import logged, logger

__all__ = ["Pipeline", "load"]

_log = logger(__name__)


class Pipeline(Parameterized):
    """Recommend what users want among what they may be offered.

    Args:
        profiles: Builders of profile fields; may be empty.
        policy: A `Policy`, its file or built-in name, or a list of them. Required:
            `Policy.unrestricted()` must be written out.
        ranker: What orders products.
        rerankers: What reorders lists, in turn; may be empty.
        fallback: What ranks for users that the ranker knows nothing of; None: nothing does.
            Default: popularity, by the first of tier, client_category and risk_level that is a
            field of users.
        audit: What every decision is told to before it is handed out, such as an
            `AuditTrail`; None: nothing. It is not saved: give it to a loaded pipeline anew.
        consent: Who may get a personal list, such as a `Consent`; None: everybody. Users who have
            not consented to `personalisation` as of a call get what others own most among what they
            may be offered, whatever they did themselves; nothing is learned from them. What a
            register names as sensitive, rankers and rerankers use with consent to `sensitive`
            alone; rules read it all the same. It is not saved: a pipeline that was fitted with one
            answers nothing once loaded until it is given one.
        seed: For everything random.

    Attributes:
        policies: The policies, as a tuple.
        ranker_: The fitted ranker.

    Example:
        >>> import pandas as pd
        >>> import suitably as st
        >>> log = pd.DataFrame({
        ...     "user_id": ["ann", "bob", "bob", "cat"],
        ...     "product_id": ["bond", "bond", "etf", "etf"],
        ...     "timestamp": pd.to_datetime(["2024-01-01"] * 4)})
        >>> pipeline = st.Pipeline(
        ...     profiles=[], policy=st.Policy.unrestricted(), ranker=st.ranking.Popularity())
        >>> pipeline.fit(st.Dataset(None, None, log)).recommend(["ann"]).to_frame()
          user_id  rank product_id  score
        0     ann     1        etf    2.0
    """

    _model: Model | None = None
    _off: SwitchState | None = None
    _off_among: tuple[Model, SwitchedOff] | None = None
    _switched: "Pipeline | None" = None

    def __init__(
        self,
        profiles: Sequence[Builder[Any]] = (),
        policy: Policy | str | Path | Sequence[Policy | str | Path] | None = None,
        ranker: Ranker | None = None,
        rerankers: Sequence[Reranker] = (),
        audit: AuditLog | None = None,
        consent: ConsentRegister | None = None,
        seed: int = 0,
        fallback: Ranker | str | None = "popularity",
    ) -> None:
        self.profiles = profiles
        self.policy = policy
        self.ranker = ranker
        self.rerankers = rerankers
        self.audit = audit
        self.consent = consent
        self.seed = seed
        self.fallback = fallback
        self._updating = ForkLock()

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a parameter for the next fit; under another policy there are no answers until then.

        Else the pipeline would show one policy and serve another.
        """
        super().__setattr__(name, value)
        if name == "policy":
            self._model = None

    def clone(self) -> "Pipeline":
        """Return an unfitted copy that shares nothing with this one but its policies."""
        params = self.get_params(deep=False)
        parts = ("profiles", "ranker", "rerankers", "fallback")
        made = Pipeline(**{**params, **{name: clone(params[name]) for name in parts}})
        made._off = self._off
        return made

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies: as read for the fit, whatever became of their files since.

        Raises:
            PolicyError: There is none, or it cannot be read.
        """
        return read_policies(self.policy) if self._model is None else self._model.policies

    def fit(self, data: Dataset, as_of: AsOf | None = None) -> Self:
        """Learn from what lies strictly before `as_of`.

        Args:
            data: Users, products and interactions.
            as_of: A date, time or ISO 8601 text; default: just after the data's latest timestamp.

        Raises:
            DataError: Data that cannot be used, or `as_of` for data without timestamps.
            PolicyError: No policy, or a rule that does not fit the data.
            ValueError: No ranker, or a part that this version does not have.
        """
        if not isinstance(data, Dataset):
            raise DataError(f"fit: expected a Dataset, got {type(data).__name__}")
        policies = read_policies(self.policy)
        check_draws_last(self.ranker, self.rerankers)
        for reranker in self.rerankers:
            if hasattr(reranker, "check_params"):
                reranker.check_params()
        if self.audit is not None and not isinstance(self.audit, AuditLog):
            raise ValueError(f"audit={self.audit!r:.60}: must have a method record, or be None")
        if self.consent is not None and not isinstance(self.consent, ConsentRegister):
            raise ValueError(f"consent={self.consent!r:.60}: must have a method granted, or None")
        with logged(_log, "fit") as count:
            view = data.view(as_of)
            count(users=len(view.users), products=len(view.products), interactions=len(view.events))
            # Shallow copies: a later fit elsewhere of what is shared must not change these answers.
            builders = [copy.copy(_fitted_builder(b, data, as_of)) for b in self.profiles]
            builders += positions_for(policies, data, as_of)
            state = build_state(view, data.kind, builders)
            snapshot = state.snapshot(policies, view.as_of)
            chosen = rankers_with_fallback(self.ranker, self.fallback, snapshot.fields)
            rerankers = tuple(self.rerankers)
            made_of = (chosen, policies, rerankers, self.seed, snapshot)
            self._model = Model.fit(state, view, *made_of, learnable=self._learnable)
        return self

    def update(
        self,
        interactions: IntoFrame | None = None,
        users: IntoFrame | None = None,
        products: IntoFrame | None = None,
    ) -> Self:
        """Take in what is new since the fit, without learning anew.

        Profiles, ownership and eligibility become those of a fit on everything; rankers fold the
        new interactions in and leave what they know of products as it is. The moment that answers
        are given as of advances to just after the latest of the news. Calls to `recommend` in
        between are answered from before or from after, never from a mixture; where the news
        cannot be used, everything stays as it was. An event whose id has been counted before is
        left out, a corrected row of it too: no log is kept from which the first could be taken
        back, so what it corrects takes effect at the next fit.

        Args:
            interactions: New ones, in columns called as at the fit.
            users: New versions of users, and new users.
            products: New versions of products, such as re-ratings, and new products.

        Raises:
            DataError: A frame that cannot be read as those of the fit were, or a bad row.
            PolicyError: A rule does not fit the new rows.
            NotFittedError: Called before `fit`.
        """
        with self._updating, logged(_log, "update") as count:
            news = (interactions, users, products)
            self._model = model = self._answering().updated(*news, learnable=self._learnable)
            count(users=len(model.state.users), products=len(model.state.products))
        return self

    def forget(self, user_id: IdLike) -> Self:
        """Erase a user: from now on they are unknown, and nothing that is saved names them.

        Profiles, ownership and eligibility become those of a fit without the user, also where
        others' fields are made from them; vectors and cached answers are gone. What was learned
        from all users together stays until the next fit, whose data the caller erases. Models
        saved before keep the user: save anew. An audit log that takes note of erasures, by a method
        `forget(user_id, as_of)`, is told first.

        Raises:
            DataError: An unknown user.
            SuitablyError: A part of one's own that does not say how it forgets.
            NotFittedError: Called before `fit`.
        """
        with self._updating, logged(_log, "forget"):
            model = self._fitted()
            rows = model.state.users.codes_of([user_id], "user_id").astype(np.int64)
            if rows[0] < 0:
                raise DataError("forget: the user is unknown to this pipeline")
            erased = erase(model, rows)
            note = getattr(self.audit, "forget", None)
            if note is not None:
                note(user_id, self.as_of_)
            self._model = erased
        return self

    def under(
        self, policy: PolicySource, rerankers: Sequence[Reranker] | None = None
    ) -> "Pipeline":
        """Return a fitted pipeline that shares all that is learned, under another policy.

        A policy does not alter what rankers learn, nor do rerankers. Rankers that ask which pairs
        are eligible when they are fitted are the exception; fit these anew.

        Args:
            policy: As for the constructor.
            rerankers: Others; None: the same.

        Raises:
            PolicyError: No policy, or a rule that does not fit the data.
            NotFittedError: Called before `fit`.
        """
        model = self._fitted()
        chosen = model.rerankers if rerankers is None else tuple(rerankers)
        check_draws_last(model.rankers[0], chosen)
        other = model.under(read_policies(policy), chosen)
        other.snapshot(other.state.as_of)
        return self._answering_from(other, policy=policy, rerankers=list(chosen))

    def with_consent(self, consent: ConsentRegister | None) -> "Pipeline":
        """Return a fitted pipeline that shares all of this one, and asks another register.

        Raises:
            NotFittedError: Called before `fit`.
        """
        return self._answering_from(self._fitted(), consent=consent)

    def with_audit(self, audit: AuditLog | None) -> "Pipeline":
        """Return a fitted pipeline that shares all of this one, and records elsewhere, or not.

        An evaluation asks for lists that nobody is offered; they are no decisions.

        Raises:
            NotFittedError: Called before `fit`.
            ValueError: It has no method `record`.
        """
        if audit is not None and not isinstance(audit, AuditLog):
            raise ValueError(f"audit={audit!r:.60}: must have a method record, or be None")
        return self._answering_from(self._fitted(), audit=audit)

    def switched(self, state: SwitchState) -> "Pipeline":
        """Return a fitted pipeline that shares all of this one, and offers nothing that is off.

        Lists, candidates and lessons hold nothing that is switched off, whatever else is asked; the
        reason is `switched-off`, in `why_not` `service:switched-off`. Rules and scores are as they
        were. Pipelines made from it go on with what is off; it is not saved.

        Args:
            state: What is off, in place of any such state before.

        Returns:
            The same object for the same state, until the model, `audit` or `consent` is another.

        Raises:
            NotFittedError: Called before `fit`.
        """
        model, made = self._fitted(), self._switched
        if made is not None and (made._off is state or made._off == state):
            same = ((made._model, model), (made.audit, self.audit), (made.consent, self.consent))
            if all(one is other for one, other in same):
                return made
        made = self._answering_from(model)
        made._off = state if state.any else None
        self._switched = made
        return made

    def greedy(self) -> "Pipeline":
        """Return a fitted pipeline that shares all of this one, and lists best first.

        Of a pipeline that draws its lists (`Explore`) it is what these are drawn around; any other
        is returned as it is.

        Raises:
            NotFittedError: Called before `fit`.
        """
        model = self._fitted()
        explore = model.rankers[0]
        if not isinstance(explore, DrawingRanker):
            return self
        ranker = explore.scoring_ranker()
        other = replace(model, rankers=(ranker, *model.rankers[1:]))
        return self._answering_from(other, ranker=ranker)

    def _answering_from(self, model: Model, **changed: Any) -> "Pipeline":
        """Return a pipeline of these parameters, but for some, that answers from a model."""
        made = Pipeline(**{**self.get_params(deep=False), **changed})
        made._model = model
        made._off = self._off
        return made

    @property
    def ranker_(self) -> Ranker:
        """The fitted ranker."""
        return self._fitted().rankers[0]

    @property
    def is_fitted(self) -> bool:
        """Whether there is anything to recommend from."""
        return self._model is not None

    @property
    def as_of_(self) -> pd.Timestamp | None:
        """The moment fitted as of; None in data without timestamps."""
        state = self._fitted().state
        return None if state.as_of is None else state.clock.stamp(state.as_of)

    @property
    def fingerprint(self) -> str:
        """The sha256 of the model that answers, as an audit has it; 64 hexadecimal digits.

        A saved model has that of the one in memory, an updated one another.

        Raises:
            ArtifactError: A part cannot be saved, so that nothing could be held against it later.
        """
        return fingerprint(self._fitted())

    def prepare(self, as_of: AsOf | None = None) -> Self:
        """Work out ahead what the first lists as of a moment would wait for.

        A service calls it before it answers: see `Eligibility.prepare`.

        Raises:
            DataError: A bad `as_of`.
            NotFittedError: Called before `fit`.
        """
        model = self._answering()
        self._snapshot(model, as_of).eligibility.prepare()
        for scorer in model.scorers:
            scorer.prepare()
        return self

    def shares_model(self, other: "Pipeline") -> bool:
        """Return whether another pipeline answers from the very same model as this one now."""
        return self._fitted() is other._fitted()

    @property
    def user_ids(self) -> NDArray[Any]:
        """The users it knows, in order."""
        return self._fitted().state.users.values

    @property
    def product_ids(self) -> NDArray[Any]:
        """The catalogue, in order."""
        return self._fitted().state.catalogue.values

    def knows(self, user_ids: IdsLike, product_ids: IdsLike) -> bool:
        """Return whether all of these ids are known."""
        state = self._fitted().state
        sides = ((state.users, user_ids, "user_ids"), (state.products, product_ids, "product_ids"))
        return all(side.ids.has(id_array(ids, name)) for side, ids, name in sides)

    def recommend(
        self,
        user_ids: IdsLike | None = None,
        k: int = 10,
        as_of: AsOf | None = None,
        exclude_owned: bool = True,
        product_ids: IdsLike | None = None,
        amount: float | IntoFrame | None = None,
        stepwise: bool = False,
    ) -> Recommendations:
        """Draw up a list for every user asked.

        Args:
            user_ids: Who; None: everybody, in the order of the users frame.
            k: The most products in a list.
            as_of: Not before the moment fitted as of, which is the default; profiles and policies
                are judged anew at a later one.
            exclude_owned: Whether what a user owns is left out, unless it is repeatable. What the
                user has turned down is left out in any case.
            product_ids: Narrows the catalogue, never widens it.
            amount: What would be invested, for rules that ask: a number for everybody, or a frame
                of `user_id` and `amount`, perhaps `currency`; else `user.amount_to_invest` counts.
            stepwise: Whether each product is judged as if those before it in the list were bought,
                for rules that ask what is held or was bought. Takes about k times as long.

        Raises:
            ValueError: k is not a positive integer.
            DataError: The same user twice, a bad `as_of` or amount.
            NotFittedError: Called before `fit`.
        """
        model = self._answering()
        amounts = read_amounts(amount, model.state.users)
        asked, rows = asked_users(model.state.users.ids, user_ids)
        generator = self._generator(model, rows, k, as_of, exclude_owned, product_ids, amounts)
        with logged(_log, "recommend", logging.DEBUG, users=len(rows), k=generator.k):
            if stepwise:
                lists, last = generate_stepwise(generator, model.policies, rows, amounts)
                made = Recommendations(asked, rows, lists, generator, last)
            else:
                drawn = generator.single(rows) or generator.generate(rows)
                made = Recommendations(asked, rows, drawn, generator)
            if self.audit is not None:
                record(self.audit, model, made, stepwise, amounts)
            return made

    def why_not(
        self,
        user_id: IdLike,
        product_id: IdLike,
        as_of: AsOf | None = None,
        k: int = 10,
        amount: float | IntoFrame | None = None,
    ) -> list[RuleVerdict]:
        """Return what every applicable rule says of a pair, and what else keeps it out of the list.

        Args:
            user_id: The user.
            product_id: A product of the catalogue.
            as_of: As for `recommend`.
            k: The length of the list that the product may be missing from.
            amount: As for `recommend`.

        Raises:
            DataError: An unknown user, or a product that is not in the catalogue.
        """
        model = self._answering()
        state = model.state
        amounts = read_amounts(amount, model.state.users)
        rows = state.users.codes_of([user_id], "user_id").astype(np.int64)
        generator = self._generator(model, rows, k, as_of, True, None, amounts)
        eligibility = generator.snapshot.eligibility
        verdicts = eligibility.verdicts(user_id, product_id)
        column = int(state.catalogue.codes_of([product_id], "product_id")[0])
        first, place = np.zeros(1, np.int64), np.array([column])
        off = None if generator.off is None else generator.off.pairs(rows, eligibility)
        if off is not None and bitset.has(off, first, place)[0]:
            verdicts.append(pseudo_verdict(Reason.TURNED_OFF.value, "fail"))
        if column in generator.owned(rows)[1]:
            verdicts.append(pseudo_verdict(Reason.ALREADY_OWNED.value, "fail"))
        if column in generator.rejected(rows)[1]:
            verdicts.append(pseudo_verdict(Reason.TURNED_DOWN.value, "fail"))
        if bitset.has(generator.allowed(rows), first, place)[0]:
            if not bitset.has(generator.scorable(rows), first, place)[0]:
                verdicts.append(pseudo_verdict(Reason.UNRANKED.value, "unknown"))
            elif column not in generator.generate(rows).lists.products[0]:
                verdicts.append(pseudo_verdict(Reason.RANKED_BELOW_K.value, "fail", k=str(k)))
        return verdicts

    def what_if(
        self,
        user_id: IdLike,
        product_id: IdLike,
        as_of: AsOf | None = None,
        amount: float | IntoFrame | None = None,
    ) -> list[WhatIf]:
        """Return the smallest sets of facts that, changed, would let rules pass a pair.

        Only what policies list in `[changeable]` is suggested, and only what the rules, judged as
        for `why_not`, are proved to pass. What else keeps a product out of a list is not asked.

        Args:
            user_id: The user.
            product_id: A product of the catalogue.
            as_of: As for `recommend`.
            amount: Likewise.

        Returns:
            Sets by size, then by name; none for an eligible pair, or where nothing listed would do.

        Raises:
            DataError: An unknown user, or a product that is not in the catalogue.
        """
        model = self._answering()
        amounts = read_amounts(amount, model.state.users)
        rows = model.state.users.codes_of([user_id], "user_id").astype(np.int64)
        generator = self._generator(model, rows, 1, as_of, True, None, amounts)
        return what_if(generator, user_id, product_id, amounts)

    def lessons(
        self,
        user_id: IdLike,
        k: int = 3,
        as_of: AsOf | None = None,
        amount: float | IntoFrame | None = None,
    ) -> list[Lesson]:
        """Return what to learn or renew: that which opens most of what a user would want.

        Args:
            user_id: The user.
            k: The most lessons.
            as_of: As for `recommend`.
            amount: Likewise.

        Returns:
            Lessons, those first that open most; see `Lesson`.

        Raises:
            DataError: An unknown user.
            ValueError: k is not a positive integer.
        """
        model = self._answering()
        amounts = read_amounts(amount, model.state.users)
        rows = model.state.users.codes_of([user_id], "user_id").astype(np.int64)
        generator = self._generator(model, rows, k, as_of, True, None, amounts)
        return lessons(generator, user_id, amounts)

    def trace(
        self,
        user_id: IdLike,
        k: int = 10,
        as_of: AsOf | None = None,
        amount: float | IntoFrame | None = None,
    ) -> Trace:
        """Follow one user through every step.

        Raises:
            DataError: An unknown user.
        """
        model = self._answering()
        row = int(model.state.users.codes_of([user_id], "user_id")[0])
        if row < 0:
            raise DataError("trace: the user is unknown to this pipeline")
        amounts = read_amounts(amount, model.state.users)
        return trace(self._generator(model, np.array([row]), k, as_of, True, None, amounts), row)

    def similar_products(self, product_id: IdLike, k: int = 10) -> Any:
        """Return the products of the catalogue most like one, by the ranker's own measure.

        Cosines of vectors for rankers that have them, without biases; for neighbours and linear
        models how much having one product speaks for the other; for a blend the mean of what its
        rankers say. Nothing is asked of eligibility: a list is for a user, this is for a reader.

        Args:
            product_id: The product.
            k: The most products.

        Returns:
            A frame: product_id, score (float32), best first; none for a product without purchases.

        Raises:
            DataError: An unknown product.
            ValueError: k is not a positive integer, or the ranker has neither vectors nor
                neighbours.
            NotFittedError: Called before `fit`.
        """
        model = self._fitted()
        found = similar_products(model, product_id, check_k(k))
        return write_frame(found, model.state.kind)

    def eligibility(
        self,
        as_of: AsOf | None = None,
        policy: PolicySource | None = None,
        amount: float | IntoFrame | None = None,
    ) -> Eligibility:
        """Return who may be offered what, under the pipeline's policy or another one."""
        model = self._fitted()
        amounts = read_amounts(amount, model.state.users)
        snapshot = self._snapshot(model, as_of)
        if policy is not None:
            snapshot = model.state.snapshot(read_policies(policy), snapshot.as_of)
        return snapshot.eligibility.proposing(amounts)

    def candidates(
        self,
        user_ids: IdsLike | None = None,
        k: int | None = None,
        as_of: AsOf | None = None,
    ) -> Candidates:
        """Return every pair that a list could hold, with its score, block by block.

        Args:
            user_ids: Who; None: everybody.
            k: The most products of each user, best first; None: all.
            as_of: As for `recommend`.

        Raises:
            ValueError: k is not a positive integer.
            DataError: The same user twice, a bad `as_of`.
            NotFittedError: Called before `fit`.
        """
        greedy = self.greedy()
        model = greedy._answering()
        _, rows = asked_users(model.state.users.ids, user_ids)
        depth = max(1, len(model.state.positions)) if k is None else k
        generator = greedy._generator(model, rows, depth, as_of, True, None, None)
        return Candidates.of(generator, rows)

    def apply_arrow(
        self,
        batches: Iterable[pa.RecordBatch],
        k: int = 10,
        as_of: AsOf | None = None,
        amount: float | IntoFrame | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Recommend for batches of users, each row on its own.

        Args:
            batches: Record batches with a column `user_id`.
            k: The most products in a list.
            as_of: As for `recommend`.
            amount: Likewise.

        Returns:
            Batches of user_id and product_id in their own types, rank (int32), score (float32)
            and, of a ranker that draws, propensity (float64).

        Raises:
            DataError: A batch without a column `user_id`, or with a missing id.
        """
        return stream(
            lambda ids: self.recommend(ids, k=k, as_of=as_of, amount=amount).to_arrow(), batches
        )

    def save(self, path: str | Path, sign: Any = None) -> None:
        """Write the fitted pipeline to a folder, without pickle; see `suitably.load`.

        Of users and products every column is written, of interactions their weights and no log.
        A model that is there is replaced at once: whoever loads meanwhile, and whatever ends this
        process, finds the old or the new one, whole. Foreign files in the folder are kept.

        Args:
            path: The folder.
            sign: An Ed25519 private key of the library `cryptography`, its PEM as bytes, or the
                path of its PEM, for a model whose origin `load` can check; None: it is not signed.

        Raises:
            NotFittedError: Called before `fit`.
            ArtifactError: A component cannot be written, or something else is at the path.
            ImportError: `sign` without the extra `sign`.
            ValueError: `sign` is no such key.
            OSError: The disk is full, or the folder cannot be written to; the old model stays.
        """
        with logged(_log, "save"):
            save_model(self._fitted(), Path(path), sign)

    @classmethod
    def _from_model(cls, model: Model) -> "Pipeline":
        ranker, *fallback = model.rankers
        made = cls(
            profiles=[b for b in model.state.builders if not isinstance(b, Positions)],
            policy=model.policies[0] if len(model.policies) == 1 else list(model.policies),
            ranker=ranker,
            rerankers=list(model.rerankers),
            seed=model.seed,
            fallback=fallback[0] if fallback else None,
        )
        made._model = model
        return made

    def _repr_html_(self) -> str:
        return pipeline_html(self)

    def __reduce__(self) -> Any:
        """Pickle as `save` writes: the files of a fitted pipeline, the parameters of another."""
        if self._model is None:
            return _unfitted, (self.get_params(deep=False), self._off)
        return _unpacked, (*pack(self._model), self._off)

    def _fitted(self) -> Model:
        if self._model is None:
            raise NotFittedError("Pipeline: call fit first")
        return self._model

    def _answering(self) -> Model:
        """Return the model, once what it was fitted to ask is there."""
        model = self._fitted()
        if model.asks_consent and self.consent is None:
            raise DataError(
                "consent: this pipeline was fitted with a register of consent, which is not saved: "
                "set pipeline.consent, or give an engine consent=, before asking for lists"
            )
        return model

    @property
    def _learnable(self) -> Learnable | None:
        """What rankers may learn from, by the register of consent."""
        return None if self.consent is None else partial(learnable, self.consent)

    def _switched_off(self, model: Model) -> SwitchedOff | None:
        """Return what is off among what a model holds, looked up once."""
        if self._off is None:
            return None
        if self._off_among is None or self._off_among[0] is not model:
            self._off_among = model, SwitchedOff.among(self._off, model.state)
        return self._off_among[1]

    def _snapshot(self, model: Model, as_of: Any) -> Snapshot:
        state = model.state
        if as_of is None:
            return model.snapshot(state.as_of)
        if state.as_of is None:
            raise DataError("as_of: the interactions have no timestamps, so nothing is dated")
        moment = state.clock.instant(as_of)
        if moment < state.as_of:
            fit = state.clock.stamp(state.as_of)
            raise DataError(f"as_of={as_of}: is before {fit}, as of which it is fitted")
        return model.snapshot(moment)

    def _generator(
        self,
        model: Model,
        rows: NDArray[np.int64],
        k: int,
        as_of: Any,
        exclude_owned: bool,
        product_ids: Any,
        amounts: NDArray[np.float64] | None,
    ) -> ListGenerator:
        """Return what draws lists up: kept by the model where it does not depend on the users.

        Whoever asks user by user mostly asks for the same.
        """
        kind = None
        if self.consent is None and product_ids is None and amounts is None:
            kind = kind_of(check_k(k), as_of, exclude_owned, self._off)
            kept: ListGenerator | None = model.kept.get(kind)
            if kept is not None:
                return kept
        candidates = asked_products(model.state.catalogue.ids, product_ids)
        snapshot = self._snapshot(model, as_of).proposing(amounts)
        consent, moment = self.consent, snapshot.as_of
        made = ListGenerator(
            state=model.state,
            snapshot=snapshot,
            opt_out=None if consent is None else opt_out(consent, model, rows, moment),
            withheld=None if consent is None else withheld_fields(consent, model, rows, moment),
            off=self._switched_off(model),
            scorers=model.scorers,
            rerankers=model.rerankers,
            k=check_k(k),
            exclude_owned=exclude_owned,
            candidates=candidates,
        )
        if kind is not None:
            model.keep(kind, made)
        return made


def load(
    path: str | Path,
    verify: Verify = "full",
    trusted: Sequence[Callable[..., Any]] = (),
    public_key: Any = None,
) -> Pipeline:
    """Read a saved pipeline; nothing in the folder is executed.

    Args:
        path: The folder.
        verify: `"full"` checks the sha256 of every file, `"manifest"` only the manifest's.
        trusted: Classes and functions of your own that the pipeline is made of.
        public_key: The Ed25519 public key by whose owner the pipeline must be signed: a key of the
            library `cryptography`, its PEM as bytes, or the path of its PEM; None: signed or not.

    Raises:
        ArtifactError: Damaged, tampered with, made of a class that is not trusted, or not signed
            with the key.
        ImportError: `public_key` without the extra `sign`.
        ValueError: `public_key` is no such key.
    """
    with logged(_log, "load"):
        return Pipeline._from_model(load_model(Path(path), verify, trusted, public_key))


def _fitted_builder(builder: Any, data: Dataset, as_of: Any) -> Any:
    return builder.fit(data, as_of) if hasattr(builder, "fit") else builder


def _unfitted(params: dict[str, Any], off: SwitchState | None = None) -> Pipeline:
    made = Pipeline(**params)
    made._off = off
    return made


def _unpacked(
    files: dict[str, bytes],
    trusted: tuple[Callable[..., Any], ...],
    off: SwitchState | None = None,
) -> Pipeline:
    made = Pipeline._from_model(unpack(files, trusted))
    made._off = off
    return made
