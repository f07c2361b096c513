"""Places for audit trails: a file, and a database of a server that is started for the tests."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from support.postgres import Cluster, programs, running

_numbers = count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    try:
        programs()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with running() as server:
        yield server


@pytest.fixture
def database(cluster: Cluster) -> str:
    return cluster.database(f"trail{next(_numbers)}")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "decisions.sqlite")
    address: str = request.getfixturevalue("database")
    return address
