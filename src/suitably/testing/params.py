"""Contract of constructor parameters: read, set, cloned and checked in scikit-learn's way."""

import copy
import pickle
from typing import Any

import pytest

from suitably.utils.params import clone, own_params

__all__ = ["ParamsContract"]


class ParamsContract:
    """What holds of the parameters of every part; the other contracts inherit it.

    A part without `get_params` has no parameters to be tried.
    """

    def make(self) -> Any:
        """Return the part, not fitted."""
        raise NotImplementedError

    def made(self) -> list[Any]:
        """Return the part in several forms, where one does not show all it can do."""
        return [self.make()]

    def bad(self) -> list[Any]:
        """Return parts with parameters out of range; a fit or first use must refuse them."""
        return []

    def test_parameters_make_an_equal_part(self) -> None:
        """Asked for its parameters, a part can be made again, and shows itself alike."""
        for part in self._with_params():
            params = own_params(part)
            again = type(part)(**params)
            assert _ids(own_params(again)) == _ids(params), "the constructor altered a parameter"
            assert _shown(again) == _shown(part)

    def test_cloning_and_copying(self) -> None:
        """A clone, a copy and an unpickled part are other parts with the same parameters."""
        for part in self._with_params():
            for again in (clone(part), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
                assert again is not part
                assert type(again) is type(part)
                assert _shown(again) == _shown(part)

    def test_scikit_learn_can_clone_it(self) -> None:
        """`sklearn.base.clone` works, where scikit-learn is installed."""
        base = pytest.importorskip("sklearn.base")
        for part in self._with_params():
            assert _shown(base.clone(part)) == _shown(part)

    def test_parameters_are_set_by_name(self) -> None:
        """What `set_params` is given is what `get_params` gives, and a wrong name is refused."""
        for part in self._with_params():
            if hasattr(part, "set_params"):
                params = own_params(part)
                again = clone(part)
                assert again.set_params(**params) is again
                assert _ids(own_params(again)) == _ids(params)
                with pytest.raises(ValueError, match="no_such_parameter"):
                    again.set_params(no_such_parameter=1)

    def _with_params(self) -> list[Any]:
        return [part for part in self.made() if hasattr(part, "get_params")]


def _ids(params: dict[str, Any]) -> dict[str, int]:
    return {name: id(value) for name, value in params.items()}


def _shown(part: Any) -> Any:
    """Return how a part shows itself, or else the names of its parameters."""
    plain = " at 0x" in repr(part)
    return sorted(own_params(part)) if plain else repr(part)
