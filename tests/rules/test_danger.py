"""Words that run data as code, or build SQL from it, appear nowhere (ASVS 1.2.4, 1.2.5, 1.3.2, 1.3.7, 1.5.2)."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from tests.rules.source import Source, read_tree

CALLS = {"eval", "exec", "compile", "render_template_string", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "yaml"}

# Files where text is built on purpose: how many places were read, and why each is safe. One more place is a failure.
REVIEWED = {
    "webapp/importers/yaml_values.py": (1, "the parser's events only: no constructor, no tag, aliases counted"),
    "webapp/features/failures/operations_grouping.py": (1, "a column from a fixed mapping; its name is checked before"),
    "webapp/features/failures/queries_affected.py": (1, "one SQL condition of constants; values are bound"),
    "webapp/features/failures/queries_list.py": (1, "SQL parts of constants; values are bound"),
    "webapp/features/rollups/operations.py": (1, "table names from a tuple in the same function"),
    "webapp/features/rollups/queries.py": (2, "SQL parts of constants; values are bound"),
    "webapp/models/base.py": (1, "defaults of columns, written in the models"),
    "webapp/web/charts.py": (1, "numbers in a numeric format"),
    "webapp/web/formats.py": (3, "instants and digits, or escaped on the spot; on the way of every row"),
}


def dangers(sources: list[Source]) -> list[str]:
    """Calls and imports that turn data into code, and SQL text with values put into it."""
    problems = []
    for source in sources:
        problems += [
            f"{source.name}:{n} imports {m}: data is read as data"
            for n, m in source.imports()
            if m.split(".")[0] in MODULES
        ]
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            where = f"{source.name}:{node.lineno}"
            if isinstance(node.func, ast.Name) and name in CALLS or name == "render_template_string":
                problems.append(f"{where} calls {name}")
            if any(k.arg == "shell" and getattr(k.value, "value", False) is True for k in node.keywords):
                problems.append(f"{where} starts a shell: pass a list of arguments")
            if (
                name == "text"
                and node.args
                and _holds_values(node.args[0])
                and not source.name.startswith("webapp/database/")
            ):
                problems.append(f"{where} puts values into SQL text: bind them")
            if name == "Markup" and node.args and _holds_values(node.args[0]):
                problems.append(f"{where} puts values into Markup unescaped: use Markup(...).format(...)")
    return problems


def _holds_values(node: ast.expr) -> bool:
    """Whether a string is built from what may change: an f-string with a name in small letters, % or format."""
    if isinstance(node, ast.JoinedStr):
        values = [v.value for v in node.values if isinstance(v, ast.FormattedValue)]
        return any(not (isinstance(v, ast.Name) and v.id.lstrip("_").isupper()) for v in values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return True
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format"


def unreviewed(problems: list[str], reviewed: dict[str, tuple[int, str]]) -> list[str]:
    """Problems in files that have more of them than were read and found safe."""
    counts = Counter(problem.partition(":")[0] for problem in problems)
    return [p for p in problems if counts[p.partition(":")[0]] > reviewed.get(p.partition(":")[0], (0, ""))[0]]


def test_no_data_becomes_code():
    assert unreviewed(dangers(read_tree()), REVIEWED) == []


def test_the_list_of_read_places_is_not_longer_than_needed():
    counts = Counter(problem.partition(":")[0] for problem in dangers(read_tree()))
    assert {name: count for name, (count, _) in REVIEWED.items()} == dict(counts)


def test_one_more_place_in_a_reviewed_file_is_found():
    problems = ["webapp/a.py:1 puts", "webapp/a.py:2 puts"]
    assert unreviewed(problems, {"webapp/a.py": (1, "")}) == problems
    assert unreviewed(problems, {"webapp/a.py": (2, "")}) == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(x)", "exec(x)", "import pickle", "from yaml import load", "flask.render_template_string(x)",
        "subprocess.run(x, shell=True)", "text(f'SELECT {name}')", "text('SELECT %s' % name)",
        "text('SELECT {}'.format(name))", "Markup(f'<b>{name}</b>')",
    ],
)  # fmt: skip
def test_each_danger_is_found(line):
    assert len(dangers([Source("webapp/x.py", line)])) == 1


@pytest.mark.parametrize(
    "line", ["text('SELECT :a')", "text(f'SELECT {COLUMNS}')", "re.compile(x)", "Markup('<b>{}</b>').format(x)"]
)
def test_what_is_no_danger(line):
    assert dangers([Source("webapp/x.py", line)]) == []
