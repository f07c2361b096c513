"""Repair: a rounded plan keeps to every limit, with moves that lose least per unit gained."""

import numpy as np
from numpy.typing import NDArray

from suitably.decisions.allocation.greedy import Move, lazily
from suitably.decisions.allocation.state import NONE, PlanState

__all__ = ["repair"]

Picks = tuple[NDArray[np.int64], NDArray[np.int64]]  # places and users

_ROUNDS = 4
_IMPROVEMENTS = 2
_MANY = 50_000  # improvements looked at in a round


def repair(state: PlanState) -> bool:
    """Mend a plan and use what room is left; say whether it keeps to every limit.

    Prices tell what a move costs elsewhere: of all moves that free a unit of what is exceeded the
    one is made that loses least net less prices, and so for what a minimum lacks.
    """
    picks = state.picks()
    for limit in state.over():
        # What was moved meanwhile is looked at only where the others do not suffice.
        if not (_relieve(state, limit, True, picks) or _relieve(state, limit, True)):
            _relieve(state, limit, False)
    for _ in range(_ROUNDS):
        short = state.under()
        if not short:
            break
        rest = _unchosen(state, short)
        for limit in short:
            _fill(state, limit, rest, strict=True)
        for limit in state.under():
            _fill(state, limit, rest, strict=False)
            for other in state.over():
                _relieve(state, other, True)
    for limit in state.over():
        _relieve(state, limit, False)
    _prune(state)
    for _ in range(_IMPROVEMENTS):
        if not _improve(state):
            break
    return not state.over() and not state.under()


def _relieve(state: PlanState, limit: int, guarded: bool, picks: Picks | None = None) -> bool:
    """Bring a limit (−1: the budget) down to what is allowed; say whether that could be done."""
    if not state.exceeds(limit):
        return True
    if picks is None:
        picks = state.picks()
    takes = np.array(state.costs) if limit == NONE else state.members[limit].astype(float)
    taken: list[float] = takes.tolist()
    places, users = picks
    offers = state.offers[places, users]
    some = takes[offers] > 0
    places, users, offers = places[some], users[some], offers[some]
    worth = state.nets[places, users] - state.prices[offers]
    costs = worth / takes[offers]
    for place in range(len(state.offers)):
        other = state.offers[place, users]
        relief = takes[offers] - np.where(other >= 0, takes[other], np.inf)
        able = (relief > 0) & ~state.chosen[place, users]
        gain = state.nets[place, users] - state.prices[other]
        lost = np.divide(worth - gain, relief, out=np.full(len(users), np.inf), where=able)
        np.minimum(costs, lost, out=costs)

    def evaluate(place: int, user: int) -> Move | None:
        row, nets, chosen = state.row(user)
        if not chosen[place]:
            return None
        old = row[place]
        worth = nets[place] - state.prices[old]
        best: Move | None = None
        if state.fits(old, NONE, guarded):
            best = (worth / taken[old], user, place, NONE)
        for new, offer in enumerate(row):
            if offer < 0 or chosen[new] or taken[offer] >= taken[old]:
                continue
            lost = (worth - (nets[new] - state.prices[offer])) / (taken[old] - taken[offer])
            if (
                (best is None or lost < best[0])
                and _free(state, chosen, new, place)
                and state.fits(old, offer, guarded)
            ):
                best = (lost, user, place, new)
        return best

    def apply(move: Move) -> bool:
        state.move(*move[1:])
        return not state.exceeds(limit)

    if limit == NONE:
        over = (state.spent - (state.budget or 0.0)) / max(float(takes[offers].mean()), 1e-300)
    else:
        over = state.used[limit] - state.most[limit]
    return lazily(costs, places, users, state.keys[users], evaluate, apply, int(over) + 1)


def _fill(state: PlanState, limit: int, rest: Picks, strict: bool) -> bool:
    """Make as many offers as a minimum asks for; say whether that could be done.

    Args:
        state: The plan.
        limit: The limit.
        rest: The places and users of offers not made.
        strict: Whether no other limit may be exceeded by it.
    """
    missing = state.fewest[limit] - state.used[limit]
    if missing <= 0:
        return True
    places, users = rest
    some = state.members[limit][state.offers[places, users]]
    places, users = places[some], users[some]
    offers = state.offers[places, users]
    worth = state.nets[places, users] - state.prices[offers]
    costs = _displaced(state, places, users) - worth

    def evaluate(place: int, user: int) -> Move | None:
        if state.chosen[place, user]:
            return None
        return _best_move(state, place, user, strict=strict, limit=limit)

    def apply(move: Move) -> bool:
        state.move(*move[1:])
        return state.used[limit] >= state.fewest[limit]

    return lazily(costs, places, users, state.keys[users], evaluate, apply, missing)


def _unchosen(state: PlanState, limits: list[int]) -> Picks:
    """Return the places and users of offers not made that count towards some of the limits."""
    asked = np.append(state.members[limits].any(axis=0), False)
    places, users = np.nonzero(asked[state.offers] & ~state.chosen)
    return places, users


def _improve(state: PlanState) -> bool:
    """Make what offers still fit and earn something; say whether there were any."""
    room = np.array([used < most for used, most in zip(state.used, state.most, strict=True)], bool)
    shut = state.members[~room].any(axis=0)
    open_ = np.append(~shut, False)
    if state.budget is not None:
        dearest = max(state.costs, default=0.0)
        open_[:-1] &= np.array(state.costs) <= state.budget - state.spent + dearest
    least = np.where(state.chosen, state.nets, np.inf).min(axis=0, initial=np.inf)
    least[state.chosen.sum(axis=0) < state.per_user] = 0.0
    earning = state.nets > np.maximum(least, 0.0)
    places, users = np.nonzero(earning & open_[state.offers] & ~state.chosen)
    offers = state.offers[places, users]
    net = state.nets[places, users]
    if len(net) > _MANY:
        first = np.argpartition(state.prices[offers] - net, _MANY)[:_MANY]
        first.sort()
        places, users, offers, net = places[first], users[first], offers[first], net[first]
    costs = _displaced(state, places, users) - (net - state.prices[offers])
    changed = False

    def evaluate(place: int, user: int) -> Move | None:
        if state.chosen[place, user]:
            return None
        return _best_move(state, place, user, strict=True, earning=True)

    def apply(move: Move) -> bool:
        nonlocal changed
        state.move(*move[1:])
        changed = True
        return False

    lazily(costs, places, users, state.keys[users], evaluate, apply, len(costs))
    return changed


def _prune(state: PlanState) -> None:
    """Give up what earns nothing and no minimum needs, the dearest first."""
    places, users = np.nonzero(state.chosen & (state.nets <= 0))
    order = np.lexsort((state.keys[users], state.nets[places, users]))
    for place, user in zip(places[order].tolist(), users[order].tolist(), strict=True):
        if state.fits(int(state.offers[place, user]), NONE):
            state.move(user, place, NONE)


def _displaced(
    state: PlanState, places: NDArray[np.int64], users: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what must be given up for an offer more, at least: float64, 0 where there is room."""
    some, at = np.unique(users, return_inverse=True)
    chosen = state.chosen[:, some]
    worth = state.nets[:, some] - state.prices[state.offers[:, some]]
    worth = np.where(chosen, worth, np.inf)
    least = worth.min(axis=0, initial=np.inf)
    least[chosen.sum(axis=0) < state.per_user] = 0.0
    lost: NDArray[np.float64] = least[at]
    product = places // state.width
    for channel in range(state.width):
        there = product * state.width + channel
        taken = chosen[there, at]
        lost = np.where(taken, worth[there, at], lost)
    return lost


def _best_move(
    state: PlanState,
    new: int,
    user: int,
    strict: bool,
    earning: bool = False,
    limit: int = NONE,
) -> Move | None:
    """Return the best way to make an offer: as one more, or for one made; None if there is none.

    Args:
        state: The plan.
        new: The place of the offer.
        user: The user.
        strict: Whether no limit may be exceeded by it.
        earning: Whether it has to earn more than what it takes the place of.
        limit: A limit that must gain by it; −1: none.
    """
    row, nets, chosen = state.row(user)
    offer = row[new]
    worth = nets[new] - state.prices[offer]
    product = new // state.width
    held = [place for place, is_chosen in enumerate(chosen) if is_chosen]
    same = [place for place in held if place // state.width == product]
    olds = same or ([NONE] if len(held) < state.per_user else held)
    best: Move | None = None
    for old in olds:
        before = row[old] if old >= 0 else NONE
        if limit != NONE and old >= 0 and limit in state.limits[before]:
            continue
        if earning and nets[new] <= (nets[old] if old >= 0 else 0.0):
            continue
        lost = (nets[old] - state.prices[before] if old >= 0 else 0.0) - worth
        if best is not None and lost >= best[0]:
            continue
        if state.fits(before, offer) if strict else _keeps_minimums(state, before, offer):
            best = (lost, user, old, new)
    return best


def _keeps_minimums(state: PlanState, old: int, new: int) -> bool:
    """Return whether no minimum is missed by a move."""
    after = state.limits[new]
    return all(
        limit in after or state.used[limit] > state.fewest[limit]
        for limit in (state.limits[old] if old >= 0 else ())
    )


def _free(state: PlanState, chosen: list[bool], new: int, old: int) -> bool:
    """Return whether no other channel of a product is chosen, but for what is given up."""
    first = new // state.width * state.width
    return not any(chosen[at] and at != old for at in range(first, first + state.width))
