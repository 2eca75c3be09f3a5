"""Raise every cause and write what ingest finds: ``python -m tests.failures.make main``, ``held_out`` or
``shapes``.

Needs what ``tests/failures/requirements.txt`` lists beside what tests need, Node and the captures (SHARED_DIR), so what
it writes is kept. Labels are decided by the code that raises, before any fingerprint is taken.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.failures.causes import Case
from tests.failures.server import serving
from tests.failures.sets import FILES
from tests.run_database import begin_run, database, end_run, run_server

ROOT = Path(__file__).resolve().parents[2]
_SEED = "1"


def main_cases(seed: str) -> Iterator[Case]:
    from tests.failures import from_captures, main_data, main_http, main_python, main_team

    with serving() as main_http.SERVER, postgres() as main_data.URL:
        for module in (main_python, main_http, main_data, main_team):
            yield from module.CAUSES.cases(seed)
    yield from from_captures.cases(seed)


def held_out_cases(seed: str) -> Iterator[Case]:
    from tests.failures import held_out

    with serving() as held_out.SERVER:
        yield from held_out.CAUSES.cases(seed)


def shapes_cases(seed: str) -> Iterator[Case]:
    from tests.failures import shapes

    yield from shapes.CAUSES.cases(seed)


@contextmanager
def postgres() -> Iterator[str]:
    """A database of the tests' server."""
    begin_run()
    try:
        with database(run_server(), "test_failures") as settings:
            yield settings.database_owner_url.replace("+psycopg", "")
    finally:
        end_run()


def write(name: str, cases: Iterable[Case]) -> None:
    counts: Counter[str] = Counter()
    with FILES[name].open("w", encoding="utf-8") as file:
        for case in cases:
            counts[case.cause] += 1
            fields = {key: value for key, value in asdict(case.failure).items() if value not in (None, (), "")}
            if "Group" not in (case.failure.error_type or "") and "RetryError" not in (case.failure.error_type or ""):
                fields.pop("stack", None)
            row = {"cause": case.cause, "library": case.library, "failure": fields}
            file.write(_portable(json.dumps(row, ensure_ascii=False)) + "\n")
    print(f"{sum(counts.values())} failures of {len(counts)} causes in {FILES[name]}")


def _portable(line: str) -> str:
    """Return a line without the folders of the machine on which it was made."""
    places = {sys.executable: "/usr/bin/python", sys.prefix: "/usr", sys.base_prefix: "/usr", str(ROOT): "/srv/app"}
    for place, name in places.items():
        line = line.replace(place, name)
    return line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=sorted(FILES))
    parser.add_argument("--seed", default=_SEED)
    arguments = parser.parse_args()
    cases = {"main": main_cases, "held_out": held_out_cases, "shapes": shapes_cases}[arguments.set]
    write(arguments.set, cases(arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
