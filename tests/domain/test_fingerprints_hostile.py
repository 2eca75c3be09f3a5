"""No message makes a fingerprint slow: work is counted, since clocks of shared machines lie.

Counted are the calls of a fingerprint, which grow with every token, quote and bracket that is looked at. What happens
inside a pattern cannot be counted, so its shape is checked: no repetition whose body could match the same text in two
ways, and nothing is matched against more than a bounded text.
"""

from __future__ import annotations

import re
import re._parser as parser
import sys
from dataclasses import replace

import pytest

from tests.failures import hostile, sets
from webapp.domain import (
    fingerprints_cause,
    fingerprints_provider,
    fingerprints_rules,
    fingerprints_text,
    fingerprints_values,
)
from webapp.domain.fingerprints import fingerprint, title

MOST_CALLS = 7000
MODULES = (fingerprints_cause, fingerprints_provider, fingerprints_rules, fingerprints_text, fingerprints_values)
# Repetitions inside repetitions multiply from these on.
MANY_OUTSIDE, MANY_INSIDE = 3, 15
CATEGORIES = {
    f"CATEGORY_{'NOT_' if letter.isupper() else ''}{name}": f"\\{letter}"
    for name, letters in (("WORD", "wW"), ("DIGIT", "dD"), ("SPACE", "sS"))
    for letter in letters
}


def calls_of(call, *arguments) -> int:
    """How many functions a call called, of Python and of C."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call(*arguments)
    finally:
        sys.setprofile(before)
    return count


def patterns() -> list[re.Pattern[str]]:
    """Every pattern that the modules hold, in tuples, dicts and rules too."""
    found = []

    def collect(value) -> None:
        if isinstance(value, re.Pattern):
            found.append(value)
        elif isinstance(value, tuple | list):
            for item in value:
                collect(item)
        elif isinstance(value, dict):
            collect(list(value.values()))
        elif isinstance(value, fingerprints_rules.Rule):
            found.append(value.pattern)

    for module in MODULES:
        collect([value for name, value in vars(module).items() if not name.startswith("__")])
    return list(dict.fromkeys(found))


def ambiguous(pattern: re.Pattern[str]) -> list[str]:
    """Repetitions inside repetitions that do not begin with a character which the inner one cannot take."""
    problems = []

    def walk(tree, outer) -> None:
        for kind, argument in tree:
            name = str(kind)
            if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                _, most, body = argument
                if int(most) > MANY_INSIDE and outer is not None and not _is_apart(outer, body):
                    problems.append(pattern.pattern)
                walk(body, body if int(most) > MANY_OUTSIDE else outer)
            elif name == "SUBPATTERN":
                walk(argument[-1], outer)
            elif name == "BRANCH":
                for branch in argument[1]:
                    walk(branch, outer)
            elif name in ("ASSERT", "ASSERT_NOT"):
                walk(argument[1], outer)

    walk(parser.parse(pattern.pattern, pattern.flags), None)
    return problems


def _is_apart(outer, inner) -> bool:
    """Whether the inner class takes nothing that the outer body begins or ends with, as in ``(?:\\\\.[^\\\\]*)*``."""
    firsts, (item, *more) = _firsts(outer), list(inner)
    if more:
        return False
    last = list(outer)[-1]
    if str(last[0]) == "LITERAL" and not _takes(item, chr(last[1])):
        return True
    return firsts is not None and not any(_takes(item, character) for character in firsts)


def _firsts(tree) -> set[str] | None:
    """The characters that a pattern may begin with; None when they are not a few plain ones."""
    kind, argument = next(iter(tree))
    if str(kind) == "LITERAL":
        return {chr(argument)}
    if str(kind) == "IN" and all(str(name) == "LITERAL" for name, _ in argument):
        return {chr(value) for _, value in argument}
    if str(kind) == "SUBPATTERN":
        return _firsts(argument[-1])
    if str(kind) == "BRANCH":
        found = [_firsts(branch) for branch in argument[1]]
        return None if None in found else set().union(*found)
    return None


def _takes(item, character: str) -> bool:
    """Whether one item of a pattern matches a character; anything but literals and classes of them does."""
    kind, argument = str(item[0]), item[1]
    if kind == "LITERAL":
        return chr(argument) == character
    if kind == "NOT_LITERAL":
        return chr(argument) != character
    if kind == "CATEGORY":
        return re.match(CATEGORIES[str(argument)], character) is not None
    if kind == "RANGE":
        return argument[0] <= ord(character) <= argument[1]
    if kind == "IN":
        is_negated = str(argument[0][0]) == "NEGATE"
        return any(_takes(member, character) for member in argument[is_negated:]) is not is_negated
    return True


def test_hostile_messages_take_bounded_work():
    counts = {failure: calls_of(fingerprint, failure) for failure in hostile.failures()}
    worst = max(counts, key=counts.get)
    print(f"\n{len(counts)} messages; most calls {counts[worst]} for {worst.error_type} {worst.message[:30]!r}")
    assert counts[worst] < MOST_CALLS


def test_titles_of_hostile_messages_take_bounded_work_and_are_one_line():
    for failure in hostile.failures()[::7]:
        assert calls_of(title, failure) < MOST_CALLS
        assert "\n" not in title(failure)


@pytest.mark.parametrize("failure", hostile.failures()[::29], ids=lambda failure: repr(failure.message[:12]))
def test_longer_messages_take_no_more_work(failure):
    many = replace(failure, message=failure.message * 40, stack=failure.stack and failure.stack * 5)
    assert calls_of(fingerprint, many) <= calls_of(fingerprint, failure) * 1.5 + 200


def test_real_messages_take_little_work():
    counts = [calls_of(fingerprint, case.failure) for case in sets.read("main")]
    assert max(counts) < 1500


def test_no_pattern_can_match_in_two_ways():
    found = patterns()
    assert len(found) > 40
    assert [problem for pattern in found for problem in ambiguous(pattern)] == []


@pytest.mark.parametrize(
    ("pattern", "is_wrong"),
    [
        (r"(a+)+b", True), (r"(?:\w*\s*)*x", True), (r"(?:a|[^b]*)*c", True), (r"(?:[^a]*)*", True),
        (r"(?:-?\d{1,20}){0,5}\d", True), (r"(?:\w{0,60}\w){0,6}", True), (r"(?:\w{0,60}\.){0,6}", False),
        (r'"[^"\\]*(?:\\.[^"\\]*)*"', False), (r"[0-9]+(?:[.][0-9]+)*", False), (r"a+b+", False),
        (r"(?:(?:\\.|')[^\\']*)*", False),
    ],
)  # fmt: skip
def test_ambiguous_patterns_are_found(pattern, is_wrong):
    assert bool(ambiguous(re.compile(pattern))) is is_wrong
