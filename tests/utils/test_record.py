"""Records are sent as JSON, pickled and copied, and stay what they were."""

import copy
import json
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from suitably.utils.record import Record


@dataclass(frozen=True)
class Inner(Record):
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Outer(Record):
    user_id: Any = field(repr=False)
    parts: tuple[Inner, ...]
    loose: dict[str, int]


THING = Outer(
    np.int64(7), (Inner(MappingProxyType({"a": np.float32(0.5)})), Inner({"b": None})), {"n": 1}
)


def test_as_json() -> None:
    expected = {"user_id": 7, "parts": [{"facts": {"a": 0.5}}, {"facts": {"b": None}}]}
    assert json.loads(json.dumps(THING.to_dict())) == expected | {"loose": {"n": 1}}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled(protocol: int) -> None:
    back = pickle.loads(pickle.dumps(THING, protocol))
    assert back == THING
    assert type(back.parts[0].facts) is MappingProxyType
    assert type(back.parts[1].facts) is dict
    with pytest.raises(FrozenInstanceError):
        back.parts = ()


def test_copied() -> None:
    back = copy.deepcopy(THING)
    assert back == THING
    assert back.loose is not THING.loose
    assert copy.copy(THING) == THING
    assert type(THING.parts[0].facts) is MappingProxyType
