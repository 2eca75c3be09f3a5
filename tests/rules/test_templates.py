"""Templates hold no script and no style, and a fragment is drawn under the id that asked for it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.rules.source import ROOT, Source, read_tree

BANS = {
    r"<[^>{]*\sstyle\s*=": "style=: use a class; the policy refuses inline style",
    r"<[^>]*\son[a-z]+\s*=": "on…=: listen in static/js/app.js",
    r"hx-on": "hx-on: needs eval, which the policy refuses",
    r"""["'\s]js:""": "js: needs eval, which the policy refuses",
    r"<script(?![^>]*\ssrc=)": "inline script: put it into static/js/",
    r"<style": "inline style sheet: put it into static/css/",
    r"\|\s*safe\b": "safe: build Markup where it is escaped",
    r"autoescape\s+false": "autoescape stays on",
    r"""hx-trigger="[^"]*\[""": "trigger filter: needs eval, which the policy refuses",
    r"""(?:src|href)=["']https?://""": "an outside address: pages load nothing from elsewhere",
    r"hx-boost": "hx-boost: links and forms say themselves what they redraw",
}


def templates(root: Path = ROOT / "templates") -> dict[str, str]:
    """Name and text of every template."""
    return {f.relative_to(root).as_posix(): f.read_text(encoding="utf-8") for f in sorted(root.rglob("*.html"))}


def banned(pages: dict[str, str]) -> list[str]:
    """What a template may not hold, comments left out."""
    return [
        f"{name}: {reason}"
        for name, text in pages.items()
        for pattern, reason in BANS.items()
        if re.search(pattern, re.sub(r"\{#.*?#\}", "", text, flags=re.S))
    ]


def forms_without_organization(pages: dict[str, str]) -> list[str]:
    """POST forms of the shell that would write into whichever organization is current when they are sent."""
    exempt = ("accounts.sign_in", "accounts.sign_out", "accounts.switch_organization", "setup.create")
    problems = []
    for name, text in pages.items():
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, flags=re.S):
            if (
                "organization_field()" not in form
                and "_organization" not in form
                and not any(e in form for e in exempt)
            ):
                problems.append(f"{name}: {form[:80]}… needs {{{{ organization_field() }}}}")
    return problems


def without_purpose(pages: dict[str, str]) -> list[str]:
    """Templates whose first line does not say what they draw."""
    return [
        name
        for name, text in pages.items()
        if not text.lstrip("{% -").startswith(("#", "from")) and "{#" not in text[:400]
    ]


def fragments_of(sources: list[Source]) -> list[tuple[str, str]]:
    """Every pair of element id and template in a dict whose values are partials."""
    found = []
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    words = [n.value if isinstance(n, ast.Constant) else None for n in (key, value)]
                    if all(isinstance(w, str) for w in words) and re.fullmatch(r"[a-z_]+/_\w+\.html", words[1]):
                        found.append((words[0], words[1]))
    return found


def homeless(fragments: list[tuple[str, str]], pages: dict[str, str]) -> list[str]:
    """Fragments whose root would not carry the id that htmx replaces, so that the next swap finds nothing."""
    problems = []
    for target, name in fragments:
        first = re.search(r"<\w+\s[^>]*", drawn(name, pages))
        if name not in MANY_PARTS and (first is None or f'id="{target}"' not in first.group()):
            problems.append(f"{name}: its first element must have id={target}")
    return problems


MANY_PARTS = {"executions/_live.html"}
"""Fragments of several parts, each of which names its own place (hx-swap-oob)."""


def drawn(name: str, pages: dict[str, str]) -> str:
    """A template with its includes in place and without comments and macros, which draw nothing by themselves."""
    text = re.sub(r"\{#.*?#\}", "", pages.get(name, ""), flags=re.S)
    text = re.sub(r"\{% macro .*?endmacro -?%\}", "", text, flags=re.S)
    return re.sub(r"""\{% include "([^"]+)" %\}""", lambda found: drawn(found[1], pages), text)


def test_no_template_holds_what_the_policy_refuses():
    assert banned(templates()) == []


def test_every_form_says_which_organization_it_was_drawn_for():
    assert forms_without_organization(templates()) == []


def test_every_template_says_what_it_draws():
    assert without_purpose(templates()) == []


def test_every_fragment_carries_its_id():
    found = fragments_of(read_tree())
    assert len(found) >= 8
    assert homeless(found, templates()) == []


@pytest.mark.parametrize(
    "text",
    [
        '<p style="color:red">', "<a onclick='x()'>", '<div hx-on:click="x">', "<div hx-vals='js:{a: 1}'>",
        "<script>alert(1)</script>", "<style>p{}</style>", "{{ text | safe }}", "{% autoescape false %}",
        '<a hx-trigger="click[ctrlKey]">', '<script src="https://cdn.example/x.js"></script>', '<div hx-boost="true">',
    ],
)  # fmt: skip
def test_each_ban_is_found(text):
    assert len(banned({"x.html": text})) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<script src="/x.js"></script>',
        '<p class="style">',
        "{# style= onclick= hx-on #}",
        '<svg fill="none">',
        "<a href='/on=1'>",
    ],
)
def test_what_is_no_ban(text):
    assert banned({"x.html": text}) == []


def test_a_form_without_its_organization_is_found():
    assert forms_without_organization({"x.html": '<form method="post" action="/x"><button></button></form>'})
    assert not forms_without_organization({"x.html": '<form method="post">{{ organization_field() }}</form>'})


def test_a_template_without_a_word_is_found():
    assert without_purpose({"x.html": "<p>x</p>"}) and not without_purpose({"x.html": "{# Draws x. #}<p>x</p>"})


def test_a_fragment_without_its_id_is_found():
    source = Source("webapp/x.py", "F = {'rows': 'x/_rows.html'}")
    assert fragments_of([source]) == [("rows", "x/_rows.html")]
    assert homeless(fragments_of([source]), {"x/_rows.html": "{# id=rows #}<div class='a'><p id=\"rows\"></p></div>"})
    assert not homeless(fragments_of([source]), {"x/_rows.html": '<div class="a" id="rows">'})
    inner = {
        "x/_rows.html": '{% macro m() %}<p class="m">{% endmacro %}{% include "x/_a.html" %}',
        "x/_a.html": '<p id="rows">',
    }
    assert not homeless(fragments_of([source]), inner)
