"""What the pages, the README and the notebooks show is what the library does."""

import os
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from executed import blocks, mend_page, run_page  # noqa: E402

PAGES = sorted(
    path
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if not {"_build", "notebooks"} & set(path.parts)
    and any(blocks(path.read_text(encoding="utf-8")))
)
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_does_what_it_shows(page, tmp_path):
    run_page(page, tmp_path)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(notebook), run_name="__main__")


def test_a_wrong_output_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```output\n3\n```\n")
    before = os.getcwd()
    with pytest.raises(AssertionError, match=re.escape("page.md, line 5")):
        run_page(page, tmp_path)
    assert os.getcwd() == before


def test_marks_are_obeyed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- setup\nx = 2\n-->\n"
        "<!-- file: a.toml -->\n```toml\nb = 1\n```\n"
        "<!-- not run: needs a service -->\n```python\n1 / 0\n```\n"
        "```python\nprint(x, open('a.toml').read())\n```\n```output\n2 b = 1\n```\n"
    )
    run_page(page, tmp_path)


def test_a_page_leaves_the_environment_as_it_was(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- setup\nimport os\nos.environ['SUITABLY_OF_A_PAGE'] = 'x'\n-->\n")
    run_page(page, tmp_path)
    assert "SUITABLY_OF_A_PAGE" not in os.environ


def test_outputs_are_mended(tmp_path):
    page = tmp_path / "page.md"
    text = "```python\nprint({})\n```\n\n```output\n{}\n```\n"
    page.write_text(text.format(1, "?") + text.format(2, 2))
    mend_page(page, tmp_path)
    assert page.read_text() == text.format(1, 1) + text.format(2, 2)
