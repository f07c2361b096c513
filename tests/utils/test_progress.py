"""Progress appears only where somebody looks and the work is long; logs count and never name."""

import io
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from suitably.utils import progress as module
from suitably.utils.progress import logged, logger, progress, show_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_is_at_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SUITABLY_PROGRESS", raising=False)
    yield
    show_progress(None)


def shown_for(items: Any, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress(items, "recommend")) == [0, 1, 2]
    return stream.getvalue()


def slow() -> Iterator[int]:
    for one in range(3):
        time.sleep(0.12)
        yield one


def test_a_bar_in_a_terminal_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module._DELAY == 2
    assert shown_for(range(3), monkeypatch, Terminal()) == ""
    monkeypatch.setattr(module, "_DELAY", 0.01)
    assert "recommend" in shown_for(slow(), monkeypatch, Terminal())


def test_none_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAY", 0.01)
    assert shown_for(slow(), monkeypatch, io.StringIO()) == ""
    monkeypatch.setattr(sys, "stderr", None)
    assert list(progress(range(3), "fit")) == [0, 1, 2]


def test_switched_on_and_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAY", 0.01)
    monkeypatch.setenv("SUITABLY_PROGRESS", "0")
    assert shown_for(slow(), monkeypatch, Terminal()) == ""
    monkeypatch.setenv("SUITABLY_PROGRESS", "1")
    assert "recommend" in shown_for(slow(), monkeypatch, io.StringIO())
    show_progress(False)
    assert shown_for(slow(), monkeypatch, Terminal()) == ""
    monkeypatch.setenv("SUITABLY_PROGRESS", "0")
    show_progress(True)
    assert "recommend" in shown_for(slow(), monkeypatch, io.StringIO())


def test_an_error_goes_through_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    show_progress(True)
    with pytest.raises(ZeroDivisionError):
        list(progress((1 // n for n in (1, 0)), "fit"))


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "suitably")
    with logged(logger("suitably.pipeline"), "fit", users=1_234) as count:
        count(products=7)
    begins, done = caplog.records
    assert (begins.levelname, begins.getMessage()) == ("DEBUG", "fit: begins")
    assert done.levelname == "INFO"
    assert done.name == "suitably.pipeline"
    assert done.getMessage().startswith("fit: 0.0")
    assert done.getMessage().endswith(" s, users=1,234, products=7")


def test_a_failure_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "suitably")
    with pytest.raises(ValueError, match="ann"), logged(logger("own"), "fit"):
        raise ValueError("customer ann")
    assert caplog.records[0].name == "suitably.own"
    assert "failed after" in caplog.text
    assert "ann" not in caplog.text


def test_silent_unless_configured(capsys: pytest.CaptureFixture[str]) -> None:
    assert any(isinstance(h, logging.NullHandler) for h in logging.getLogger("suitably").handlers)
    with logged(logger("suitably.x"), "fit", logging.ERROR):
        pass
    assert capsys.readouterr().err == ""
