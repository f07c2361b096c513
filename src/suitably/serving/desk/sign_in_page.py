"""Signing in with a token, and what is said where a page cannot be shown."""

from suitably.serving.desk.parts import Page, form, link, notice, section, submit, text_field
from suitably.serving.desk.visit import Visit
from suitably.utils.html import element

__all__ = ["problem_page", "sign_in_page"]


def sign_in_page(visit: Visit, back: str = "", refused: bool = False) -> Page:
    """Return the page on which a token is shown.

    Args:
        visit: For whom.
        back: The page of the desk that was asked for.
        refused: Whether a token was shown that is none.
    """
    texts = visit.texts
    asking = form(
        visit,
        visit.url("sign-in"),
        element("input", type="hidden", name="next", value=back),
        text_field(
            "bearer",
            texts.token,
            hint=texts.token_hint,
            kind="password",
            autocomplete="current-password",
            required="",
        ),
        submit(texts.sign_in),
        post=True,
    )
    said = notice(texts.token_refused, tone="bad", role="alert") if refused else ""
    return Page(texts.sign_in, [section(texts.your_token, said, asking)], status=401)


def problem_page(visit: Visit, title: str, said: str, status: int, english: bool = False) -> Page:
    """Return a page that says what is wrong and what to do.

    Args:
        visit: For whom.
        title: What is wrong.
        said: More of it.
        status: The status of HTTP.
        english: Whether `said` is in English, whatever the page's language.
    """
    text = element("p", said, **({"lang": "en"} if english else {}))
    back = element("p", link(visit.texts.to_start, visit.url()))
    return Page(title, [section(visit.texts.what_now, text, back)], status=status)
