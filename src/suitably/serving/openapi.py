"""OpenAPI: what may be asked, for programs, and as a page for people that loads nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

from suitably.report.components import Paragraph, Table
from suitably.report.page import Report
from suitably.serving.admin import ADMIN
from suitably.serving.asked import FIELDS
from suitably.serving.endpoints import QUESTIONS, RECOMMENDATIONS
from suitably.serving.problems import MEDIA_TYPE
from suitably.serving.settings import Limits

__all__ = ["OPEN", "docs_page", "openapi"]

OPEN = (
    ("/healthz", "Whether the process answers."),
    ("/readyz", "Whether a version is served, which, and what wants a look."),
    ("/metrics", "Figures for Prometheus."),
    ("/openapi.json", "This description, for programs."),
    ("/docs", "This description, for people."),
)
"""What needs no token."""


def openapi(limits: Limits, version: str, tokens: bool) -> dict[str, Any]:
    """Return the description of all endpoints, as OpenAPI 3.1 has it."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, about, role, fields, required in _endpoints():
        operation: dict[str, Any] = {"summary": about, "responses": _responses(role, fields)}
        if fields:
            schema = _schema(fields, required, limits)
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schema}},
            }
        if "{version}" in path:
            operation["parameters"] = [
                {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}}
            ]
        if role:
            operation["description"] = f"Needs the role `{role}`."
            if tokens:
                operation["security"] = [{"token": []}]
        paths.setdefault(path, {})[method.lower()] = operation
    problem = {
        "type": "object",
        "properties": {
            **{name: {"type": "string"} for name in ("type", "title", "detail", "instance")},
            "status": {"type": "integer"},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    }
    components: dict[str, Any] = {"schemas": {"Problem": problem}}
    if tokens:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Suitably", "version": version},
        "paths": paths,
        "components": components,
    }


def docs_page(limits: Limits, tokens: bool) -> str:
    """Return the page."""
    page = Report("What may be asked", "The service's endpoints; /openapi.json is for programs")
    for method, path, about, role, fields, required in _endpoints():
        blocks: list[Any] = [Paragraph(about)]
        if role and tokens:
            blocks.append(Paragraph(f"Needs a token with the role {role}."))
        if fields:
            rows = [
                (name, FIELDS[name].about, "" if default is None else str(default).lower(),
                 "yes" if name in required else "")
                for name, default in fields.items()
            ]  # fmt: skip
            blocks.append(Table(("field", "meaning", "default", "required"), rows, "Body, as JSON"))
        page.section(f"{method} {path}", *blocks)
    return page.html()


def _endpoints() -> Iterator[tuple[str, str, str, str, Mapping[str, Any], tuple[str, ...]]]:
    """Yield method, path, what it does, role, fields and which must be there."""
    for one in (RECOMMENDATIONS, *QUESTIONS):
        yield "POST", one.path, one.about, one.role, one.fields, one.required
    for method, path, about, _, fields, required in ADMIN:
        yield method, path, about, "admin", fields, required
    for path, about in OPEN:
        yield "GET", path, about, "", {}, ()


def _schema(fields: Mapping[str, Any], required: tuple[str, ...], limits: Limits) -> dict[str, Any]:
    properties = {}
    for name, default in fields.items():
        schema = {**FIELDS[name].schema(limits), "description": FIELDS[name].about}
        properties[name] = schema if default is None else {**schema, "default": default}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _responses(role: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    wrong = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    statuses = {
        "400": "No JSON", "408": "Too slow", "413": "Too large", "415": "Of another type",
        "422": "A value does not fit",
    } if fields else {}  # fmt: skip
    if role:
        statuses |= {"401": "No token", "403": "Not its role", "503": "Not now: come again"}
    return {
        "200": {"description": "The answer"},
        **{status: {"description": said, **wrong} for status, said in sorted(statuses.items())},
    }
