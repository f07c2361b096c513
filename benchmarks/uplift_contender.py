"""One contender of `uplift`, in a process of its own: `uplift_contender.py NAME FOLDER`.

It imports nothing of the benchmarks, so that it runs in the peers' environment.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Effect = Callable[[], Any]


def ours(folder: Path) -> Effect:
    import pandas as pd
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401

    import suitably as st

    learn, order = (pd.read_parquet(folder / f"{name}.parquet") for name in ("learn", "order"))

    def effect() -> Any:
        uplift = st.decisions.Uplift()
        return uplift.fit(learn, "approached", "bought", "probability").effect(order)

    return effect


def peer(name: str, folder: Path) -> Effect:
    from lightgbm import LGBMClassifier, LGBMRegressor  # type: ignore[import-not-found]

    with np.load(folder / "peers.npz") as data:
        x, new = data["learn"], data["order"]
        w, y, p = data["approached"], data["bought"], data["probability"]

    def amount() -> Any:
        return LGBMRegressor(n_jobs=1, verbose=-1)

    def chance() -> Any:
        return LGBMClassifier(n_jobs=1, verbose=-1)

    if name.startswith("causalml"):
        from causalml.inference import meta  # type: ignore[import-not-found]

        def effect() -> Any:
            if name == "causalml-t":
                model = meta.BaseTClassifier(chance(), control_name=0)
                model.fit(x, w, y)
                return model.predict(new)
            if name == "causalml-x":
                model = meta.BaseXClassifier(
                    outcome_learner=chance(), effect_learner=amount(), control_name=0
                )
                model.fit(x, w, y, p=p)
                return model.predict(new, p=np.full(len(new), p.mean()))
            model = meta.BaseDRRegressor(learner=amount(), control_name=0)
            model.fit(x, w, y, p=p, seed=0)
            return model.predict(new)

        return effect

    from econml.dml import CausalForestDML  # type: ignore[import-not-found]
    from econml.dr import DRLearner, LinearDRLearner  # type: ignore[import-not-found]

    def estimate() -> Any:
        first = {"discrete_outcome": True, "cv": 3, "random_state": 0}
        if name == "econml-forest":
            model = CausalForestDML(
                model_y=chance(), model_t=chance(), discrete_treatment=True,
                n_estimators=500, n_jobs=1, **first,
            )  # fmt: skip
        else:
            first |= {"model_propensity": chance(), "model_regression": chance()}
            linear = name == "econml-linear-dr"
            model = LinearDRLearner(**first) if linear else DRLearner(model_final=amount(), **first)
        model.fit(y, w, X=x)
        return model.effect(new)

    return estimate


def main(name: str, folder: Path) -> None:
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    effect = ours(folder) if name == "ours" else peer(name, folder)
    start = time.process_time(), time.perf_counter()
    found = effect()
    seconds = time.process_time() - start[0], time.perf_counter() - start[1]
    np.save(folder / "effect.npy", np.ravel(found))
    print(json.dumps({"seconds": seconds[0], "clock": seconds[1]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
