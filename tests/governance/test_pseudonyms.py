"""What stands for people on pages is keyed and masked, and nothing that is written names them."""

import hashlib
import hmac
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import suitably as st
from suitably.governance import masked, pseudonym, set_pseudonym_key
from suitably.report import Report
from suitably.utils.pseudonym import keyed_digest


@pytest.fixture(autouse=True)
def no_key_left() -> Iterator[None]:
    yield
    set_pseudonym_key(None)


def test_digest_is_the_standard_one() -> None:
    key = bytes(range(32))
    assert keyed_digest("ann", key) == hmac.new(key, b"sann", hashlib.sha256).digest()
    assert keyed_digest(7, key) == hmac.new(key, b"i7", hashlib.sha256).digest()


def test_key_is_rotated_and_found_again() -> None:
    set_pseudonym_key("k" * 16)
    first = pseudonym("ann")
    set_pseudonym_key(b"l" * 16)
    second = pseudonym("ann")
    set_pseudonym_key(b"m" * 16)
    assert len({first, second, pseudonym("ann"), pseudonym("bob")}) == 4
    set_pseudonym_key(b"k" * 16)
    assert pseudonym("ann") == first
    assert pseudonym("ann") not in hashlib.sha256(b"ann").hexdigest()
    with pytest.raises(ValueError, match="has 5 bytes, and must have 16"):
        set_pseudonym_key("short")
    assert pseudonym("ann") == first


def test_processes_without_a_key_cannot_be_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pseudonym.__module__  # which takes a second less than the package that shows it
    code = f"from {module} import pseudonym; print(pseudonym('ann'))"

    def said() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              check=True).stdout  # fmt: skip

    monkeypatch.delenv("SUITABLY_PSEUDONYM_KEY", raising=False)
    assert said() != said()
    monkeypatch.setenv("SUITABLY_PSEUDONYM_KEY", "a shared secret key")
    assert said() == said()


def test_direct_identifiers_are_masked() -> None:
    assert masked("birth_date", date(1979, 12, 31)) == "1970s"
    assert masked("birth_date", pd.Timestamp("2001-02-03")) == "2000s"
    assert masked("Email", "ann@example.org") == masked("name", "Ann") == "withheld"
    assert masked("birth_date", "1979") == "withheld"
    assert masked("name", None) is None
    assert masked("annual_income", 5.0) == 5.0


SHOWN = "kunde-005"
USERS, PRODUCTS = [f"kunde-{n:03d}" for n in range(90)], [f"fund {n}" for n in range(8)]


def _data() -> st.Dataset:
    people = pd.DataFrame(
        {
            "user_id": USERS,
            "name": [f"Person {user}" for user in USERS],
            "level": [1 + n % 3 for n in range(90)],
            "birth_date": date(1980, 5, 7),
        }
    )
    shelf = pd.DataFrame({"product_id": PRODUCTS, "level": [1, 2, 3, 1, 2, 3, 1, 2]})
    rows = [(n, (n * 7 + 3 * i) % 8, i) for n in range(90) for i in range(4)]
    log = pd.DataFrame({"user_id": [USERS[n] for n, _, _ in rows],
                        "product_id": [PRODUCTS[p] for _, p, _ in rows],
                        "timestamp": [pd.Timestamp("2024-01-01") + pd.Timedelta(days=40 * i + n)
                                      for n, _, i in rows], "value": 10.0})  # fmt: skip
    return st.Dataset(people, shelf, log)


POLICY = st.Policy.from_toml("""
[policy]
id = "levels"
[[rules]]
id = "level"
require = "product.level <= user.level"
because = { en = "{product.level} is above {user.level}", zh = "过高" }
[[rules]]
id = "adult"
require = "age(user.birth_date) >= 18"
""")


def test_nothing_that_is_written_names_anybody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole run: logs, warnings, representations, pages, saved reports and the audit trail."""
    caplog.set_level(logging.DEBUG, logger="suitably")
    data = _data()
    builders = [st.profiles.RecencyFrequencyValue(), st.profiles.Lifecycle()]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        arms = [
            st.Pipeline(profiles=builders, policy=POLICY, ranker=ranker)
            for ranker in (st.ranking.Popularity(), st.ranking.ItemKNN())
        ]
        arms[1].audit = audit = st.governance.AuditTrail(tmp_path / "decisions.sqlite")
        granted = {"user_id": USERS[1:], "purpose": "personalisation", "granted_at": "2024-01-01"}
        arms[1].consent = st.governance.Consent(pd.DataFrame(granted).assign(withdrawn_at=None))
        for arm in arms:
            arm.fit(data, as_of="2024-05-15")
        recs = arms[1].recommend(k=3)
        test = st.ABTest(control=arms[0], treatment=arms[1], metrics=["ndcg@3"])
        result = test.run(data, st.evaluation.TimeSplit(at="2024-05-15", horizon_days=60))
        population = st.profiles.population(builders, data, "2024-05-15")
        card = st.profiles.card(builders, data, SHOWN, "2024-05-15")
        new = {
            "user_id": ["kunde-999"],
            "name": "Person",
            "level": 1,
            "birth_date": date(1980, 5, 7),
        }
        arms[1].update(users=pd.DataFrame(new)).forget("kunde-999")
    page = tmp_path / "report.html"
    result.to_html(page)
    pages = [
        page.read_text(encoding="utf-8"),
        Report("Population").add_result(population, "All").html(),
        Report("Card").add_result(card, "One").html(),
        card._repr_html_(),
    ]
    one = recs.for_user(SHOWN)
    explained = recs.explain(SHOWN, one["product_id"].iloc[0])
    objects = [data, *arms, recs, result, population, card, explained, next(iter(recs))]
    objects += [audit, arms[1].consent, audit.verify(), *audit.holds]
    objects += [arms[0].trace(SHOWN), arms[0].eligibility(), *arms[0].why_not(SHOWN, "fund 2")]
    written = [*pages, *map(repr, objects), *(r.getMessage() for r in caplog.records)]
    written += [str(one.message) for one in warned]
    written += [file.read_bytes().decode("latin-1") for file in tmp_path.iterdir()]
    assert len(caplog.records) > 3
    assert "kunde-" not in str(audit.receipt(SHOWN))  # which tells them their own facts
    for text in written:
        assert "kunde-" not in text
        assert "Person" not in text
        assert "1980-05-07" not in text
