"""What leaves the house: no segment of fewer than k users, and no ids unless asked for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as any_

import suitably as st
from suitably.profiles import Segments, Strata
from suitably.profiles.segments.anonymity import without_small


def stratified(**sizes: int) -> Strata:
    kinds = [kind for kind, size in sizes.items() for _ in range(size)]
    frame = pd.DataFrame({"user_id": range(len(kinds)), "kind": kinds,
                          "income": np.arange(float(len(kinds)))})  # fmt: skip
    return Strata(["kind"]).fit(frame)


def test_small_segments_are_merged() -> None:
    found = stratified(a=9, b=7, c=3, d=2).export()
    assert found.segment.tolist() == ["a", "b", "other"]
    assert found["size"].tolist() == [9, 7, 5]
    assert found.share.tolist() == [9 / 21, 7 / 21, 5 / 21]
    assert found.description[2].startswith("the smaller strata together: ")
    assert "user_id" not in found.columns


def test_what_is_still_too_small_takes_the_next_with_it() -> None:
    assert stratified(a=9, b=7, c=3).export()["size"].tolist() == [9, 10]
    assert stratified(a=9, b=3).export().segment.tolist() == ["other"]
    found = stratified(a=9, other=6, c=5, d=4).export()
    assert found.segment.tolist() == ["a", "other", "all other"]


def test_or_dropped() -> None:
    found = stratified(a=9, b=6, c=3, d=2).export(small="drop")
    assert found.segment.tolist() == ["a", "b"]
    assert found.share.tolist() == [0.6, 0.4]
    with pytest.raises(st.DataError, match="every segment is smaller"):
        stratified(a=4, b=4).export(small="drop")


def test_fewer_users_than_the_threshold() -> None:
    with pytest.raises(st.DataError, match="k_anonymity=5: there are 4 users in segments"):
        stratified(a=3, b=1).export()
    assert stratified(a=3, b=1).export(k_anonymity=1).segment.tolist() == ["a", "b"]


def test_ids_only_where_asked_for() -> None:
    fitted = stratified(a=9, b=6, c=3)
    merged = fitted.export(user_ids=True)
    assert merged.columns.tolist() == ["user_id", "segment"]
    assert merged.segment.value_counts().to_dict() == {"a": 9, "other": 9}
    dropped = fitted.export(user_ids=True, small="drop")
    assert dropped.user_id.tolist() == list(range(15))


def test_means_of_few_are_not_told() -> None:
    """Four of a segment gave their income: their mean would be that of fewer than five."""
    income = [1.0] * 4 + [None] * 6 + [2.0] * 10
    frame = pd.DataFrame({"user_id": range(20), "kind": ["a"] * 10 + ["b"] * 10, "income": income})
    fitted = Strata(["kind"]).fit(frame)
    assert fitted.describe()["difference.income"].notna().all()
    found = fitted.export()
    assert found["difference.income"].isna().all()
    assert found.description.tolist() == ["kind a", "kind b"]
    assert fitted.export(k_anonymity=4)["difference.income"].notna().all()


def test_nor_can_they_be_worked_out_from_the_others() -> None:
    """Of b only two gave their income: with a, c and what is outside of these it would be known."""
    frame = pd.DataFrame({"user_id": range(30), "kind": ["a"] * 10 + ["b"] * 10 + ["c"] * 10,
                          "income": [1.0] * 12 + [None] * 8 + [2.0] * 10})  # fmt: skip
    found = Strata(["kind"]).fit(frame).export()
    assert found["difference.income"].isna().all()
    none = frame.assign(income=frame.income.where(frame.kind != "b"))
    found = Strata(["kind"]).fit(none).export()
    assert found["difference.income"].notna().tolist() == [True, False, True]


def test_files(tmp_path: Path) -> None:
    fitted = stratified(a=9, b=7)
    found = fitted.export(tmp_path / "s.csv")
    again = pd.read_csv(tmp_path / "s.csv")
    pd.testing.assert_frame_equal(again, found, check_dtype=False)
    fitted.export(str(tmp_path / "s.parquet"), user_ids=True)
    assert pyarrow.parquet.read_table(tmp_path / "s.parquet").column_names == ["user_id", "segment"]
    with pytest.raises(ValueError, match=r"Strata.export\(path='s.xlsx'\): must end in .csv or"):
        fitted.export("s.xlsx")


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "5", None])
def test_thresholds_that_are_none(k: object) -> None:
    with pytest.raises(ValueError, match=r"Strata.export\(k_anonymity=.*positive integer"):
        stratified(a=9).export(k_anonymity=k)
    with pytest.raises(ValueError, match=r"Strata.export\(small='hide'\)"):
        stratified(a=9).export(small="hide")


def test_users_in_no_segment_are_not_exported() -> None:
    frame = pd.DataFrame({"user_id": range(12), "x": [0.0] * 5 + [1.0] * 5 + [None] * 2})
    fitted = Segments(k=2).fit(frame)
    assert fitted.export(user_ids=True).user_id.tolist() == list(range(10))
    assert fitted.export()["size"].tolist() == [5, 5]


@given(any_.lists(any_.integers(-1, 6), min_size=1, max_size=40), any_.integers(1, 8),
       any_.booleans())  # fmt: skip
def test_no_segment_is_ever_smaller(codes: list[int], k: int, merge: bool) -> None:
    names = tuple("abcdefg")
    sizes = [codes.count(code) for code in range(7)]
    try:
        found, left = without_small(np.array(codes, np.int32), names, k, merge)
    except st.DataError:
        assert sum(sizes) < k if merge else max(sizes) < k
        return
    after = np.bincount(found[found >= 0], minlength=len(left))
    assert (after >= k).all()
    kept = [code for code in range(7) if sizes[code] >= k]
    if not merge:
        assert left == tuple(names[code] for code in kept)
    else:
        assert after.sum() == sum(sizes)
        assert sum(name != "other" for name in left) >= len(kept) - 1


def with_illness(**segments: str) -> Strata:
    """Return strata by kind, each user with the illness that a letter stands for, none for `-`."""
    rows = [(kind, ill) for kind, letters in segments.items() for ill in letters]
    frame = pd.DataFrame({
        "user_id": range(len(rows)),
        "kind": [kind for kind, _ in rows],
        "illness": [None if ill == "-" else ill for _, ill in rows],
        "weight": 70.5,
    })  # fmt: skip
    return Strata(["kind"]).fit(frame)


def test_segments_whose_members_are_alike_are_small_ones() -> None:
    fitted = with_illness(a="xyxyxy", b="xxxxxxx", c="yyyyy-", d="xyx")
    by_size = fitted.export()
    assert by_size[["segment", "size"]].values.tolist() == [["b", 7], ["c", 6], ["other", 9]]
    merged = fitted.export(sensitive="illness")
    assert merged[["segment", "size"]].values.tolist() == [["a", 6], ["other", 16]]
    dropped = fitted.export(sensitive="illness", small="drop", k_anonymity=3)
    assert sorted(dropped.segment) == ["a", "d"]
    three = with_illness(a="xyxyxy", b="zzzzzzz").export(sensitive="illness", l_diversity=3)
    assert three["size"].tolist() == [13]


def test_a_field_that_cannot_be_diverse_is_refused() -> None:
    fitted = with_illness(a="xxxxx", b="xxxxx-")
    with pytest.raises(st.DataError, match="l_diversity=2: all segments together have 1 values"):
        fitted.export(sensitive="illness")
    with pytest.raises(st.DataError, match="k_anonymity=5, l_diversity=2: every segment"):
        fitted.export(sensitive="illness", small="drop")
    with pytest.raises(st.DataError, match="weight: holds numbers"):
        fitted.export(sensitive="weight")
    with pytest.raises(st.DataError, match="no field 'ilness'"):
        fitted.export(sensitive="ilness")
    with pytest.raises(ValueError, match=r"export\(l_diversity=0"):
        fitted.export(sensitive="illness", l_diversity=0)
