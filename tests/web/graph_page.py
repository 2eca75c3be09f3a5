"""The drawing on a page of its own, drawn by the product's templates, for tests that need no database."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from webapp.web.graph_view import GraphView

ROOT = Path(__file__).resolve().parents[2]
PAGE = """{% from "components/graph.html" import flow_graph, heat_key with context %}<!doctype html>
<html lang="en" data-theme="{{ theme }}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Flow</title><link rel="icon" href="data:,"><link rel="stylesheet" href="{{ asset('css/tokens.css') }}">
<link rel="stylesheet" href="{{ asset('css/app.css') }}">
<script src="{{ asset('js/graph.js') }}" type="module"></script></head>
<body><main class="page" id="main"><h1>Flow</h1>{{ heat_key() }}{{ flow_graph(view) }}</main></body></html>"""


@cache
def page_template() -> Template:
    """The page, compiled once."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals["asset"] = "/static/{}".format
    return environment.from_string(PAGE)


def draw_page(view: GraphView, *, theme: str = "light") -> str:
    """A whole page with the drawing on it; static files are asked for under ``/static/``."""
    return page_template().render(view=view, theme=theme)
