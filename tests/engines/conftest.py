"""Models to serve, and one Spark cluster for all: a master and two workers, each a process."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from engines.models import Model, bank


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return bank(tmp_path_factory.mktemp("text") / "model", pa.string(), pa.string())


@pytest.fixture(scope="session")
def integers(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return bank(tmp_path_factory.mktemp("integers") / "model", pa.int64(), pa.int32())


@pytest.fixture
def copy(text: Model, tmp_path: Path) -> Path:
    """A saved model of one's own to replace or damage, which no worker has read yet."""
    return Path(shutil.copytree(text.path, tmp_path / "copy"))


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.ui.enabled": "false",
        "spark.executor.memory": "512m",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # What is refused is refused again: once more is enough to survive a kill.
        "spark.task.maxFailures": "2",
        # A killed executor is replaced however many tests kill one.
        "spark.deploy.maxExecutorRetries": "-1",
    }
    builder = sql.SparkSession.builder.master("local-cluster[2,1,1024]").appName("suitably")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
