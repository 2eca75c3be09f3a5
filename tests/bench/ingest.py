"""Measure durable, queryable spans per second over HTTP beside decode + COPY of the same spans in the same run.

``python -m tests.bench.ingest [--spans 60000] [--runs 3] [--prefill 1000000]`` starts an instance of its own with two
web workers, posts the file that bench/gen_traces.py of SHARED_DIR makes by four connections, runs ``limits.py copy`` on
the same server between the runs, and prints one JSON object. With --prefill the organization is filled through the same
path first and the rate is measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.instance import ROOT, Instance, instance

SHARED = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared")
BENCH = SHARED / "bench"
CONNECTIONS = 4
LIMIT_DATABASE = "bench_limits"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prefill", type=int, default=0)
    options = parser.parse_args()
    if not BENCH.is_dir():
        print("bench/ not found: set SHARED_DIR to the folder that holds it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="ab-spans-") as name, instance() as own:
        print(json.dumps(measure(own, Path(name), options), indent=1))
    return 0


def measure(own: Instance, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the rates; limit and ingest take turns, so that a noisy machine is unfair to both."""
    load(own, generate(folder, 3_000, 1))  # Each worker imports and looks up what it needs once.
    limits, empty = [], []
    for run in range(options.runs):
        limits.append(limit(own, generate(folder, options.spans, 100 + run)))
        empty.append(load(own, generate(folder, options.spans, 200 + run)))
    found = {"limit_spans_per_s": median(limits)} | figures(empty, "empty")
    found["ratio"] = round(found["empty_spans_per_s"] / found["limit_spans_per_s"], 3)
    if options.prefill:
        fill = load(own, generate(folder, options.prefill, 300))
        found["settle_seconds"] = settle(own)
        full = [load(own, generate(folder, options.spans, 400 + run)) for run in range(options.runs)]
        found |= {"prefill_spans": fill["spans"], "prefill_spans_per_s": fill["spans_per_s"]} | figures(full, "filled")
        found["filled_to_empty"] = round(found["filled_spans_per_s"] / found["empty_spans_per_s"], 3)
    return found | {"rows": rows(own), "load": [round(each, 1) for each in os.getloadavg()]}


def settle(own: Instance) -> float:
    """Wait for the sums of what was filled in and tidy the tables, as time does on a server; answers the seconds."""
    begin = time.monotonic()
    with own.connect() as connection:
        while connection.execute("SELECT 1 FROM rollup_dirty LIMIT 1").fetchone():
            time.sleep(0.5)
        connection.execute("VACUUM ANALYZE")
    return round(time.monotonic() - begin, 1)


def generate(folder: Path, spans: int, seed: int) -> Path:
    path = folder / f"{spans}-{seed}.bin"
    run(BENCH / "gen_traces.py", "--spans", spans, "--seed", seed, "--out", path)
    return path


def load(own: Instance, path: Path) -> dict[str, Any]:
    """Post a file; the probe asks the database how many spans are visible once all are acknowledged."""
    found = run(
        BENCH / "load_otlp.py", "--file", path, "--url", f"http://127.0.0.1:{own.port}/v1/traces", "-c", CONNECTIONS,
        "-H", f"Authorization=Bearer {own.key}", "--count-dsn", own.settings.database_owner_url,
        "--count-sql", "select count(*) from spans", "--max-seconds", 3600,
    )[-1]  # fmt: skip
    path.unlink()
    if found["failed_spans"] or set(found["status"]) != {"200"}:
        print(json.dumps(found), own.last_words(), file=sys.stderr)
    return found


def limit(own: Instance, path: Path) -> int:
    """Return the spans per second of decoding and copying in one process, on the same server."""
    admin = own.server.admin_url()
    import psycopg

    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {LIMIT_DATABASE}")
        connection.execute(f"CREATE DATABASE {LIMIT_DATABASE}")
    lines = run(BENCH / "limits.py", "copy", "--file", path, "--dsn", own.server.admin_url(LIMIT_DATABASE), "--runs", 1)
    path.unlink()
    return next(line["spans_s"] for line in lines if line["what"] == "decode_build_copy")


def figures(runs: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return medians over runs; ``spans_per_s`` ends when all is acknowledged, which is when all can be read."""
    return {
        f"{name}_spans_per_s": median([each["spans_per_s"] for each in runs]),
        f"{name}_visible_per_s": median([each["visible_per_s"] or 0 for each in runs]),
        f"{name}_p50_ms": median([each["p50_ms"] for each in runs]),
        f"{name}_p95_ms": median([each["p95_ms"] for each in runs]),
        f"{name}_runs": [each["spans_per_s"] for each in runs],
        f"{name}_statuses": [each["status"] for each in runs],
    }


def rows(own: Instance) -> dict[str, int]:
    tables = ("flow_executions", "agent_executions", "tool_executions", "spans", "usage_ledger", "messages")
    with own.connect() as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def median(values: list) -> Any:
    return round(statistics.median(values), 1)


def run(script: Path, *arguments: object) -> list[dict[str, Any]]:
    """Run one of the shared scripts and return its JSON lines."""
    command = [sys.executable, str(script), *(str(argument) for argument in arguments)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]


if __name__ == "__main__":
    sys.exit(main())
