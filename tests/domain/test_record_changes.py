"""What a save changes: for the log, for people, and when two people save."""

from __future__ import annotations

import hashlib

from webapp.domain.field_diff import changed_fields
from webapp.domain.record_changes import change_payload, content_hash, digest, merge, words


def test_the_log_keeps_short_values_and_digests_of_long_ones():
    before, after = {"text": "old", "n": 1, "same": [1]}, {"text": "new text", "n": None, "same": [1]}
    payload = change_payload(before, after, version=3, previous_version=2, long={"text"})
    sha = {text: hashlib.sha256(text.encode()).hexdigest() for text in ("old", "new text")}
    assert payload == {
        "version": 3, "previous_version": 2, "changed": ["text", "n"],
        "before": {"text": {"characters": 3, "sha256": sha["old"], "version": 2}, "n": 1},
        "after": {"text": {"characters": 8, "sha256": sha["new text"], "version": 3}, "n": None},
    }  # fmt: skip
    assert change_payload(before, dict(before), version=3, previous_version=2) is None
    created = change_payload({}, {"text": "x", "none": None}, version=1, previous_version=0, long={"text"})
    assert created["before"] == {"text": None} and created["changed"] == ["text"]


def test_a_merge_keeps_what_each_changed_and_says_where_both_did():
    base = {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}
    mine, theirs = base | {"a": 2, "c": 2, "e": 9}, base | {"b": 3, "c": 3, "e": 9}
    merged = merge(base, mine, theirs)
    assert merged.state == {"a": 2, "b": 3, "c": 2, "d": 1, "e": 9}
    assert merged.conflicts == ("c",) and [one.name for one in merged.theirs] == ["b", "c", "e"]


def test_values_are_said_in_words():
    assert [words(v) for v in (None, "", [], True, False, 0, 0.5, "x")] == ["none"] * 3 + ["yes", "no", "0", "0.5", "x"]
    assert words(digest("x" * 1204, 3)) == "1,204 characters (version 3)" and words(digest("ab")) == "2 characters"
    tools = [{"id": "1", "name": "lookup", "is_enabled": False, "config": {"n": 1}}, {"name": "mail", "config": {}}]
    assert words(tools) == 'lookup (is_enabled no; config {"n": 1}), mail'


def test_equal_records_have_equal_hashes():
    assert content_hash({"a": 1, "b": [1]}) == content_hash({"b": [1], "a": 1}) != content_hash({"a": 1, "b": [2]})


def test_long_texts_and_schemas_are_shown_line_by_line():
    fields = changed_fields(
        {"text": "a\nb", "schema": {"x": 1}, "n": 1},
        {"text": "a\nc", "schema": None, "n": 2},
        {"n": "Number"},
        {"text"},
    )
    assert [(one.label, one.before, one.after, bool(one.lines)) for one in fields] == [
        ("Text", "", "", True), ("Schema", "", "", True), ("Number", "1", "2", False),
    ]  # fmt: skip
    assert [line.kind for line in fields[0].lines] == ["same", "removed", "added"]
