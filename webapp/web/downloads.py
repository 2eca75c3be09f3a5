"""Files that a page offers to save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from webapp.domain.csv_text import csv_lines
from webapp.web.shell import now


def download(body: Any, content_type: str, name: str, suffix: str) -> Response:
    """An answer to be saved under the name with the time, such as ``executions-20261124-093000.csv``."""
    response = Response(body, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{now():%Y%m%d-%H%M%S}.{suffix}"'
    return response


def csv_download(name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Response:
    """Rows as a CSV file, written while it is sent: ``rows`` must not need the request's transaction any more."""
    return download(csv_lines(columns, rows), "text/csv; charset=utf-8", name, "csv")
