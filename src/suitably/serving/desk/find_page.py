"""Finding a customer: by pseudonym, or by id where one has the right to."""

from collections.abc import Sequence

from suitably.serving.desk.parts import (
    Page,
    code,
    form,
    link,
    notice,
    section,
    submit,
    text_field,
)
from suitably.serving.desk.people import SHORTEST
from suitably.serving.desk.reading import Reading
from suitably.serving.desk.visit import Visit
from suitably.utils.html import element

__all__ = ["find_page"]


def find_page(
    visit: Visit, reading: Reading, asked: str = "", rows: Sequence[int] = (), missed: str = ""
) -> Page:
    """Return the page on which a customer is found.

    Args:
        visit: For whom.
        reading: Of what.
        asked: The beginning of a pseudonym that was asked for.
        rows: Whose pseudonyms begin so, where they are several.
        missed: `"pseudonym"` or `"id"`, where nobody was found by it.
    """
    texts = visit.texts
    problem = {"pseudonym": texts.no_pseudonym, "id": texts.no_id}.get(missed, "")
    by_pseudonym = section(
        texts.by_pseudonym,
        notice(problem, tone="bad") if missed == "pseudonym" else "",
        form(
            visit,
            visit.url(),
            text_field(
                "customer",
                texts.pseudonym,
                asked,
                texts.pseudonym_hint.format(count=SHORTEST),
                autocomplete="off",
                spellcheck="false",
            ),
            submit(texts.show),
            css="line",
        ),
        _several(visit, reading, rows),
    )
    parts = [by_pseudonym]
    if visit.may("identify"):
        field = text_field("id", texts.customer_id, hint=texts.id_hint, autocomplete="off")
        asking = form(visit, visit.url("find"), field, submit(texts.show), css="line", post=True)
        said = notice(problem, tone="bad") if missed == "id" else ""
        parts.append(section(texts.by_id, said, asking))
    return Page(texts.find, parts, texts.find_lead, "find", 404 if missed else 200)


def _several(visit: Visit, reading: Reading, rows: Sequence[int]) -> object:
    if not rows:
        return ""
    names = map(reading.people.name_of, rows)
    items = [element("li", link(code(name), visit.url("customer", name))) for name in names]
    return element("div", element("p", visit.texts.several), element("ul", *items, css="plain"))
