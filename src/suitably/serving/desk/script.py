"""The desk's script: what it helps with works without it too."""

__all__ = ["SCRIPT"]

SCRIPT = """\
"use strict";
// A page that waits for figures is asked for again; without a script there is a link.
if (document.querySelector("main[data-waits]")) {
  setTimeout(() => location.reload(), 2000);
}
// An edited policy is in this page alone.
const policy = document.getElementById("toml");
if (policy) {
  let sent = false;
  policy.form.addEventListener("submit", () => { sent = true; });
  addEventListener("beforeunload", (event) => {
    if (!sent && policy.value !== policy.defaultValue) event.preventDefault();
  });
}
// What came of a form is what it was sent for.
const result = document.getElementById("result");
if (result) result.scrollIntoView();
"""
