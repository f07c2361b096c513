"""What `import suitably` costs, and the names that others rely on."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import suitably
from support.imports import broken_imports, read_modules

HEAVY = ["numpy", "pandas", "pyarrow", "duckdb", "implicit", "narwhals", "scipy", "polars",
         "matplotlib", "pyspark", "click", "tqdm", "joblib"]  # fmt: skip
TOP = ["ABTest", "ArtifactError", "Columns", "DataError", "Dataset", "NotFittedError", "Pipeline",
       "Policy", "PolicyError", "SuitabilityWarning", "SuitablyError", "load",
       "show_progress"]  # fmt: skip
ROOMS = {
    "data": ["simulate_bank", "far_trans", "scf2019", "open_bandit"],
    "profiles": ["Activity", "BalanceValue", "BetaGeo", "Churn", "FromFunction", "GammaGamma",
                 "Holdings", "Lifecycle", "LifetimeValue", "ParetoNBD", "Preferences",
                 "RecencyFrequencyValue", "RiskAppetite", "Segments", "Strata", "Tags", "Tier",
                 "build", "card", "cohorts", "funnel", "population", "retention"],
    "monitoring": ["Monitor", "Alarm"],
    "ranking": ["Popularity", "ItemKNN", "EASE", "Spectral", "ALS", "BPR", "LogisticMF", "IALS",
                "LightFM", "Blend", "Precomputed"],
    "reranking": ["Diversity", "Determinantal", "Caps", "Calibration", "ConcentrationLimit"],
    "engines": ["dask", "files", "spark"],
    "serving": ["Canary", "ModelFolder", "PromotionRefused", "Switches", "switched"],
    "evaluation": ["evaluate", "TimeSplit", "tune"],
}  # fmt: skip


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_importing_pulls_in_the_standard_library_only() -> None:
    loaded = run(
        "import sys\nbefore = set(sys.modules)\nimport suitably\n"
        "new = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(' '.join(sorted(new - set(sys.stdlib_module_names))))"
    )
    assert loaded == "suitably"
    heavy = run(f"import sys, suitably\nprint([m for m in {HEAVY} if m in sys.modules])")
    assert heavy == "[]"


def test_looking_around_pulls_in_nothing_either() -> None:
    heavy = run(
        f"import sys, suitably\ndir(suitably); suitably.__all__; suitably.DataError\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert heavy == "[]"


def test_what_needs_no_trainer_works_where_it_cannot_be_imported() -> None:
    listed = run(
        "import sys; sys.modules['implicit'] = None\n"
        "import pandas as pd, suitably as st\n"
        "log = pd.DataFrame({'user_id': ['a', 'a', 'b'], 'product_id': ['x', 'y', 'x']})\n"
        "for ranker in (st.ranking.EASE(), st.ranking.IALS(factors=2), st.ranking.Popularity()):\n"
        "    pipeline = st.Pipeline(policy=st.Policy.unrestricted(), ranker=ranker)\n"
        "    recs = pipeline.fit(st.Dataset(None, None, log)).recommend(['b'])\n"
        "    print(*recs.to_frame()['product_id'])"
    )
    assert listed.split() == ["y", "y", "y"]


def test_importing_takes_less_than_half_a_second() -> None:
    code = "import time\nt = time.perf_counter()\nimport suitably\nprint(time.perf_counter() - t)"
    assert min(float(run(code)) for _ in range(2)) < 0.5


@pytest.mark.parametrize("name", TOP)
def test_a_name_at_the_top(name: str) -> None:
    assert getattr(suitably, name) is not None
    assert name in dir(suitably)
    assert name in suitably.__all__


@pytest.mark.parametrize(("room", "name"), [(r, n) for r, names in ROOMS.items() for n in names])
def test_a_name_in_a_room(room: str, name: str) -> None:
    module = importlib.import_module(f"suitably.{room}")
    assert getattr(suitably, room) is module
    assert hasattr(module, name)
    assert name in module.__all__


@pytest.mark.parametrize("room", suitably._ROOMS)
def test_every_name_that_a_room_promises(room: str) -> None:
    module = importlib.import_module(f"suitably.{room}")
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_every_module_can_be_the_first_to_be_imported() -> None:
    modules = read_modules(Path(suitably.__file__).parent)
    assert len(modules) > 600
    found = {name: broken_imports(modules, name) for name in modules}
    assert {name: problem for name, problem in found.items() if problem} == {}


def test_what_comes_out_can_be_imported_first() -> None:
    code = "import suitably.recommendations as r\nfrom suitably.pipeline import Pipeline, load\n"
    assert run(code + "print(r.Recommendations.__name__, Pipeline.__name__)") == (
        "Recommendations Pipeline"
    )


CIRCLE = {
    "__init__": "",
    "a": "from circle.b import one\ntwo = 2\n",
    "b": "one = 1\nfrom circle.a import two\n",
    "c": "from circle.b import one\n",
    "d": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from circle.e import E\n",
    "e": "from circle.d import TYPE_CHECKING\nclass E: pass\n",
    "f": "def late():\n    from circle.a import two\nfrom circle import e\n",
}


def test_the_order_is_followed_as_python_does(tmp_path: Path) -> None:
    folder = tmp_path / "circle"
    folder.mkdir()
    for name, text in CIRCLE.items():
        (folder / f"{name}.py").write_text(text)
    modules = read_modules(folder)
    for name in modules:
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {name}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
        assert (done.returncode == 0) == (broken_imports(modules, name) is None), name
    assert (
        broken_imports(modules, "circle.a") == "circle.b takes two of circle.a, which is half-made"
    )


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Pipelin'"):
        _ = suitably.Pipelin


def test_errors_are_children() -> None:
    for name in ("DataError", "PolicyError", "NotFittedError", "ArtifactError"):
        assert issubclass(getattr(suitably, name), suitably.SuitablyError)
    assert issubclass(suitably.SuitabilityWarning, Warning)


def test_every_ranker_constructs_without_arguments() -> None:
    for name in ("Popularity", "ALS"):
        ranker = getattr(suitably.ranking, name)()
        assert isinstance(ranker, suitably.ranking.Ranker)
        assert type(ranker)(**ranker.get_params()).get_params() == ranker.get_params()
