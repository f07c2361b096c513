"""Tasks: `nox` runs the checks, `nox -s NAME` one of them, `nox -l` lists them."""

from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs", "examples"]
nox.options.reuse_existing_virtualenvs = True

EXAMPLES = sorted([*Path("examples").glob("*.py"), *Path("examples/notebooks").glob("*.py")])


@nox.session
def lint(session: nox.Session) -> None:
    """Check rules and format."""
    session.install("ruff>=0.14")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, or those that are named after `--`."""
    session.install("-e", ".[test,fast]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into docs/_build; warnings are errors."""
    session.install("-e", ".[docs]")
    session.run(
        "sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "docs", "docs/_build"
    )  # fmt: skip


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example; those without what they need are named by their failure."""
    session.install("-e", ".[fast,lightfm]")
    for path in EXAMPLES:
        session.run("python", str(path))


@nox.session(venv_backend="none")
def lowest(session: nox.Session) -> None:
    """Run the fast tests on the lowest declared versions of direct dependencies."""
    session.run("bash", ".ci/lowest", external=True)


@nox.session
def lock(session: nox.Session) -> None:
    """Write requirements-dev.lock anew, with the newest versions that fit."""
    session.install("uv>=0.5")
    session.run(
        "uv", "pip", "compile", "pyproject.toml", "--extra", "dev", "--extra", "docs",
        "--universal", "--python-version", "3.11", "--upgrade", "--no-header",
        "--no-emit-index-url", "--no-emit-find-links", "--output-file", "requirements-dev.lock",
    )  # fmt: skip
