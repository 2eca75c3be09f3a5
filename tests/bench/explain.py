"""Which statements make a page slow, with their plans as the application's role gets them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event

from webapp import create_app
from webapp.config import Settings
from webapp.extensions import db

SLOW_MS = 4.0


def explain_pages(settings: Settings, pages: dict[str, str], cookie: str, target: Path) -> None:
    """Ask each page three times in this process and write down its statements, slow ones with EXPLAIN ANALYZE."""
    app = create_app(replace(settings, testing=True))
    client = app.test_client()
    client.set_cookie("ab_session", cookie)
    with app.app_context():
        engine = db.engine
    seen: list[tuple[float, str, Any, str]] = []
    explaining = False

    def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        connection.info["began"] = time.perf_counter()

    def after(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        nonlocal explaining
        milliseconds = (time.perf_counter() - connection.info["began"]) * 1000
        plan = ""
        if explaining and milliseconds > SLOW_MS and statement.lstrip().upper().startswith(("SELECT", "WITH")):
            with connection.connection.driver_connection.cursor() as own:
                own.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement, parameters)
                plan = "\n".join(row[0] for row in own.fetchall())
        seen.append((milliseconds, statement, parameters, plan))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    with target.open("w") as file:
        for name, path in pages.items():
            for number in range(3):
                seen.clear()
                explaining = number == 2
                status = client.get(path).status_code
            file.write(f"\n# {name} {path} ({status}): {len(seen)} statements, {sum(s[0] for s in seen):.1f} ms\n")
            for milliseconds, statement, parameters, plan in seen:
                file.write(f"\n## {milliseconds:.1f} ms\n{' '.join(statement.split())}\n{parameters}\n{plan}\n")
    with app.app_context():
        engine.dispose()
