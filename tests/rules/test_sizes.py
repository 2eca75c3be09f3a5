"""Nothing grows past what can be read at once: files, functions, views."""

from __future__ import annotations

import ast

import pytest

from tests.rules.source import Source, read_tree

FILE, MODELS_FILE, FUNCTION, VIEW = 400, 500, 40, 20


def too_long(sources: list[Source]) -> list[str]:
    """Files and functions over their limit. A function's decorators, signature and docstring do not count."""
    problems = []
    for source in sources:
        limit = MODELS_FILE if source.name.startswith("webapp/models/") else FILE
        lines = source.text.count("\n")
        if lines > limit:
            problems.append(f"{source.name} has {lines} lines, more than {limit}: split it by noun")
        for function in source.functions():
            length = body_length(function)
            limit = VIEW if is_view(function) else FUNCTION
            if length > limit:
                where = f"{source.name}:{function.lineno} {function.name}"
                problems.append(f"{where} has {length} lines, more than {limit}: take a step of it out")
    return problems


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def is_view(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a decorator of a blueprint makes it a view."""
    return any(
        isinstance(d, ast.Call) and isinstance(d.func, ast.Attribute) and getattr(d.func.value, "id", "") == "bp"
        and d.func.attr in ("get", "post", "put", "patch", "delete", "route")
        for d in function.decorator_list
    )  # fmt: skip


def test_files_functions_and_views_are_short():
    assert too_long(read_tree()) == []


def _function(lines: int, decorator: str = "") -> str:
    return f"{decorator}\ndef f():\n    '''Says what.'''\n" + "    x = 1\n" * lines


@pytest.mark.parametrize(
    ("source", "is_wrong"),
    [
        (Source("webapp/x.py", "\n" * 401), True),
        (Source("webapp/models/x.py", "\n" * 401), False),
        (Source("webapp/models/x.py", "\n" * 501), True),
        (Source("webapp/x.py", _function(40)), False),
        (Source("webapp/x.py", _function(41)), True),
        (Source("webapp/x.py", _function(20, "@bp.get('/')")), False),
        (Source("webapp/x.py", _function(21, "@bp.post('/', permission=P)")), True),
    ],
)
def test_what_grew_too_long_is_found(source, is_wrong):
    assert bool(too_long([source])) is is_wrong
