"""CSV and JSON Lines: every filter, every row, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from webapp.features.executions import export


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_formulas_do_not_run_in_a_spreadsheet(as_bob, make_run, text):
    make_run(status="failed", error_message=text, session_id=text)
    row = next(csv.DictReader(io.StringIO(as_bob.get("/executions/export.csv").text, newline="")))
    assert row["error_message"] == row["session_id"] == f"'{text}"
    assert json.loads(as_bob.get("/executions/export.jsonl").text)["error_message"] == text


def test_numbers_stay_numbers_and_unknown_stays_empty(as_bob, make_run):
    make_run(cost_usd=Decimal("0.000123"), tokens_used=None, models=["a", "b"])
    row = next(csv.DictReader(io.StringIO(as_bob.get("/executions/export.csv").text)))
    assert (row["cost_usd"], row["tokens_used"], row["models"]) == ("0.000123", "", "a; b")
    line = json.loads(as_bob.get("/executions/export.jsonl").text)
    assert (line["cost_usd"], line["tokens_used"], line["models"]) == ("0.000123", None, ["a", "b"])


def test_nothing_is_lost_between_batches(as_bob, make_run, monkeypatch):
    same = datetime.now(UTC) - timedelta(minutes=3)
    made = {str(make_run(started_at=same).id) for _ in range(25)}
    monkeypatch.setattr(export.read_rows, "__kwdefaults__", {"batch": 10})
    rows = list(csv.DictReader(io.StringIO(as_bob.get("/executions/export.csv").text)))
    assert len(rows) == 25 and {row["id"] for row in rows} == made


def test_an_export_is_of_the_tenant(as_charlie, make_run):
    make_run()
    assert as_charlie.get("/executions/export.jsonl").text == ""
    assert as_charlie.get("/executions/export.csv").text.splitlines()[1:] == []


def test_an_export_is_a_file(as_bob, make_run):
    make_run()
    answer = as_bob.get("/executions/export.csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="executions-')
    assert answer.is_streamed
