"""Policies: rules as data, judged on users and products."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

from suitably.data.columns import Columns
from suitably.errors import PolicyError
from suitably.suitability.display import policy_html
from suitably.suitability.eligibility import Eligibility
from suitably.suitability.frames import evaluate_frames
from suitably.suitability.language.document import PolicyDocument, Rule
from suitably.suitability.language.places import line_and_column
from suitably.typing import AsOf, IntoFrame

__all__ = ["Policy", "PolicySource", "Rule", "built_in_folder", "read_policies"]


class Policy(PolicyDocument):
    """Which products may be recommended to whom: rules, each a sentence with its article.

    Make one with `from_toml`, `load` or `unrestricted`. A policy lets a firm express and evidence
    rules; whether they are the right ones is the firm's own judgement.

    Attributes:
        text: The TOML it was read from.
        id: Its name.
        version: Its version.
        title: Its title, by language.
        rules: Its rules, in order.
        scales: Its ordered levels, by name.
        fields: What it declares of fields: a `Scale`, the name of a type, or a `Domain`.
        terms: Its named expressions, as written.
        maps: Its maps, by name.
        labels: What to call codes, by field, code and language.
        changeable: The facts that may be suggested to change, by name.
        effective: From when it is in force.
        expires: From when it is no longer.
        governs: Which pairs it governs, as written; None for all.
        note: What it approximates.

    Example:
        >>> policy = Policy.from_toml('''
        ... [policy]
        ... id = "adults"
        ... version = "1"
        ... [[rules]]
        ... id = "age"
        ... require = "age(user.birth_date) >= 18"
        ... ''')
        >>> policy
        Policy('adults', version '1', 1 rule)
    """

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a policy.

        Raises:
            PolicyError: Not TOML, a key missing or unknown, or a rule outside the language.
        """
        if not isinstance(text, str):
            raise PolicyError(f"policy: expected TOML text, got {type(text).__name__}")
        return cls(text)

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Read a built-in policy by its name, or one from a file.

        Raises:
            PolicyError: Neither a file nor a built-in name.
        """
        folder = built_in_folder()
        built_in = sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml"))
        if name in built_in:
            return cls((folder / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
        path = Path(name)
        try:
            found = path.is_file()
        except OSError:  # a text too long for a name
            found = False
        if found:
            try:
                return cls(path.read_text(encoding="utf-8"), str(path))
            except UnicodeDecodeError as error:
                before = bytes(error.object[: error.start]).decode("utf-8")
                line, column = line_and_column(before, len(before))
                place = f"line {line}, column {column}"
                raise PolicyError(f"policy {path}: {place}: is not UTF-8: {error}") from None
        raise PolicyError(f"policy {str(name)[:60]!r}: no such file; built in are {built_in}")

    @classmethod
    def unrestricted(cls) -> Self:
        """Return the policy that bars nothing; it must be written out, never assumed."""
        return cls.from_toml('rules = []\n[policy]\nid = "unrestricted"\nversion = "1"\n')

    def evaluate(
        self, users: IntoFrame, products: IntoFrame, as_of: AsOf, columns: Columns | None = None
    ) -> Eligibility:
        """Judge every user against every product, lazily.

        Args:
            users: A frame with a row per user, or versions where `columns.user_timestamp` is there.
            products: Likewise for products; those without a visible row are left out.
            as_of: The moment of the decision; ages, months and bare dates are of its time zone. A
                bare date is midnight in the zone that the frames' timestamps name.
            columns: How the ids and timestamps are called.

        Returns:
            Who may be offered what, with reasons.

        Raises:
            PolicyError: A rule names a field that is not there, or does not fit its type.
            DataError: A value off its scale, the same id twice, or mixed time zones.
        """
        return evaluate_frames((self,), users, products, as_of, columns or Columns())

    def __repr__(self) -> str:
        count = f"{len(self.rules)} rule{'s' * (len(self.rules) != 1)}"
        return f"Policy({self.id!r}, version {self.version!r}, {count})"

    def _repr_html_(self) -> str:
        return policy_html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and send by its text: parsing it again is all there is to it."""
        return Policy.from_toml, (self.text,)


PolicySource = Policy | str | Path | list["Policy | str | Path"] | tuple["Policy | str | Path", ...]


def built_in_folder() -> Traversable:
    """Return the folder of the built-in policies, whose tables of cases are in its `cases`."""
    return resources.files("suitably.suitability") / "regimes"


def read_policies(source: Any) -> tuple[Policy, ...]:
    """Read one policy or several.

    Args:
        source: A `Policy`, its file or built-in name, or a list of these.

    Raises:
        PolicyError: None at all, not a policy, or one that cannot be read.
    """
    several = source if isinstance(source, list | tuple) else [source]
    if not several or source is None:
        raise PolicyError(
            "policy: is required; to restrict nothing, write out Policy.unrestricted()"
        )
    read = tuple(_read(one) for one in several)
    ids = [policy.id for policy in read]
    repeated = sorted({one for one in ids if ids.count(one) > 1})
    if repeated:
        raise PolicyError(f"policy: ids must be unique, repeated: {repeated}")
    return read


def _read(one: Any) -> Policy:
    if isinstance(one, Policy):
        return one
    if not isinstance(one, str | Path):
        raise PolicyError(f"policy: expected a Policy, a file or a name, got {one!r:.60}")
    return Policy.load(one)
