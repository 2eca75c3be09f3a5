"""Measure pages on 10 thousand, 100 thousand and a million executions, beside the plainest Flask page of the same run.

    python -m tests.bench.pages --data /tmp/bench [--sizes 10000,100000,1000000] [--rounds 120] [--explain slow.md]

Fills a scratch database of its own under ``--data``, which is kept: a second run measures at once at the size it has.
Starts the web server as `agenticbuilder web` does. Every round asks each page and the plain page once, on a connection
each, so that other work on the machine meets them alike. Prints one JSON line per size and one with the bars.
With SHARED_DIR set (or ../shared there), the weight of the pages is measured in Chromium too.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg

from tests.bench.multiply import grow, make_base, say
from webapp.cli.database import open_database
from webapp.cli.migrate import bring_up_to_date
from webapp.config import Settings
from webapp.domain.session_tokens import new_token
from webapp.models import new_id

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared")
PLAIN_ROWS = 200_000
SEARCH_MS = 380
"""A search for words is held to this alone: what it finds grows with the data."""
PAGE_MS, FLOW_MS = 9, 15
"""Server time that a page may take where 8 times the plain page is less; pages of flows hold a graph or 50 trends."""
PLAIN_PAGE = '''
import os, jinja2, psycopg_pool
from flask import Flask
app = Flask(__name__)
pool = psycopg_pool.ConnectionPool(os.environ["DSN"], min_size=1, max_size=16, open=True, kwargs={"autocommit": True})
PAGE = jinja2.Environment(autoescape=True).from_string("""<!doctype html><title>plain</title><table>{% for r in rows %}
<tr class="s{{ r[2] }}"><td><a href="/x/{{ r[0] }}">{{ r[0] }}</a></td><td>{{ r[1] }}</td><td>{{ r[2] }}</td>
<td>{{ r[3].strftime("%Y-%m-%d %H:%M:%S") }}</td><td>{{ r[4] }}</td><td>{{ r[5] }}</td><td>{{ r[6] }}</td>
<td>{{ "%.4f"|format(r[7]) }}</td></tr>{% endfor %}</table>""")
QUERY = ("select id, flow, status, started_at, duration_ms, user_id, tokens, cost from bench_plain"
         " where org_id = 7 and status = 2 order by started_at desc, id desc limit 50")
@app.get("/")
def rows():
    with pool.connection() as connection:
        return PAGE.render(rows=connection.execute(QUERY).fetchall())
'''
PLAIN_TABLE = """
    CREATE TABLE IF NOT EXISTS bench_plain AS SELECT g AS id, 1 + g % 20 AS org_id, g % 12 AS flow,
        CASE WHEN hashint8(g) & 127 < 20 THEN 2 ELSE 1 END AS status, now() - g * interval '1 second' AS started_at,
        200 + (hashint8(g) & 8191) AS duration_ms, hashint8(g + 1) & 255 AS user_id, 1000 + (hashint8(g + 2) & 16383)
        AS tokens, (hashint8(g + 3) & 65535) / 1e6 AS cost FROM generate_series(1::bigint, {rows}) g;
    CREATE INDEX IF NOT EXISTS bench_plain_failed ON bench_plain (org_id, started_at DESC, id DESC) WHERE status = 2;
    GRANT SELECT ON bench_plain TO PUBLIC;
"""


def paths(settings: Settings, organization_id: UUID, wanted: str) -> dict[str, str]:
    """The wanted pages by name, all for "". The execution is a failed one with steps, some days old; the flow is the
    one that runs most."""
    with psycopg.connect(settings.database_owner_url) as connection:
        execution = connection.execute(
            "SELECT f.id FROM flow_executions f WHERE f.organization_id = %s AND f.status = 'failed'"
            " AND f.started_at < now() - interval '3 days' AND EXISTS (SELECT FROM agent_executions a"
            " WHERE a.flow_execution_id = f.id AND a.flow_created_at = f.created_at)"
            " ORDER BY f.started_at DESC LIMIT 1",
            (organization_id,),
        ).fetchone()[0]
        flow = connection.execute(
            "SELECT agentflow_id FROM flow_executions WHERE organization_id = %s AND agentflow_id IS NOT NULL"
            " AND started_at > now() - interval '7 days' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
            (organization_id,),
        ).fetchone()[0]
    found = {
        "list": "/executions?time=90d",
        "list_24h": "/executions",
        "list_failed": "/executions?time=90d&status=failed",
        "list_search": "/executions?time=90d&q=payment",
        "execution": f"/executions/{execution}",
        "overview": "/",
        "flows": "/flows",
        "flow": f"/flows/{flow}",
        "flow_blocks": f"/flows/{flow}/blocks",
        "flow_blocks_30d": f"/flows/{flow}/blocks?period=30d",
        "agents": "/agents",
        "tools": "/tools",
    }
    return {name: path for name, path in found.items() if not wanted or name in wanted.split(",")}


def sign_in(settings: Settings, organization_id: UUID) -> str:
    """A cookie of the organization's first member."""
    token = new_token()
    with psycopg.connect(settings.database_owner_url) as connection:
        connection.execute(
            "INSERT INTO sessions (id, user_id, organization_id, token_hash, expires_at, last_seen_at, created_at)"
            " SELECT %s, user_id, organization_id, %s, %s, now(), now() FROM organization_members"
            " WHERE organization_id = %s LIMIT 1",
            (new_id(), token.token_hash, datetime.now(UTC) + timedelta(days=1), organization_id),
        )
    return token.text


@contextmanager
def process(command: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[None]:
    """A server that answers on the port; ended by its own process id."""
    running = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", path)
                connection.getresponse().read()
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(20)


def measure(urls: dict[str, tuple[int, str]], cookie: str, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each page, one request after the other, the pages in turn; the first tenth only warms up."""
    connections = {name: http.client.HTTPConnection("127.0.0.1", port, timeout=60) for name, (port, _) in urls.items()}
    times: dict[str, list[float]] = {name: [] for name in urls}
    sizes: dict[str, int] = {}
    for number in range(rounds + rounds // 10):
        for name, (_, path) in urls.items():
            started = time.perf_counter()
            connections[name].request("GET", path, headers={"Cookie": f"ab_session={cookie}"})
            response = connections[name].getresponse()
            sizes[name] = len(response.read())
            if response.status != 200:
                raise SystemExit(f"{name} answered {response.status} at {path}")
            if number >= rounds // 10:
                times[name].append((time.perf_counter() - started) * 1000)
    return {
        name: {
            "p50_ms": round(statistics.median(found), 2),
            "p95_ms": round(sorted(found)[int(len(found) * 0.95)], 2),
            "bytes": sizes[name],
        }
        for name, found in times.items()
    }


def weigh(urls: dict[str, str], cookie: str) -> list[dict[str, object]] | None:
    """Weight, requests and script of pages in Chromium, cold and warm; None where the tool or the browser is absent."""
    tool = SHARED / "bench" / "pages.py"
    if not tool.exists():
        say(f"no {tool}: set SHARED_DIR to weigh pages")
        return None
    plan = [{"name": name, "url": url, "wait": "main", "cookie": {"ab_session": cookie}} for name, url in urls.items()]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "plan.json").write_text(json.dumps(plan))
        command = [sys.executable, str(tool), "--plan", f"{folder}/plan.json", "--tmp", folder, "--runs", "2"]
        found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode:
        say(found.stderr.strip().splitlines()[-1])
        return None
    kept = ("name", "kind", "kb", "js_kb", "reqs", "rows_ms", "fcp_ms", "settle_kb", "settle_reqs", "err")
    lines = [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]
    return [{key: line[key] for key in kept if key in line} for line in lines]


def bars(by_size: dict[int, dict], weights: list[dict] | None) -> dict[str, object]:
    """What the figures are held to: p50 by the plain page, growth over all sizes, weight of the pages."""
    smallest, largest = min(by_size), max(by_size)
    pages = [name for name in by_size[largest] if name != "plain"]
    ratios = {
        size: {name: pages_of[name]["p50_ms"] / pages_of["plain"]["p50_ms"] for name in pages}
        for size, pages_of in by_size.items()
    }
    found: dict[str, object] = {
        "ratio_to_plain": {name: round(ratio, 1) for name, ratio in ratios[largest].items()},
        # Of the ratio, since the machine may be busier at one size than at the other.
        "growth": {name: round(ratio / ratios[smallest][name], 2) for name, ratio in ratios[largest].items()},
    }
    held = [name for name in pages if name != "list_search"]
    plain = by_size[largest]["plain"]["p50_ms"]
    slow = [n for n in held if by_size[largest][n]["p50_ms"] > max(bar_of(n), 8 * plain)]
    slow += ["list_search"] if by_size[largest].get("list_search", {}).get("p50_ms", 0) > SEARCH_MS else []
    grown = [name for name in held if found["growth"][name] > 1.6]
    heavy = [
        f"{w['name']} {w['kind']}"
        for w in weights or ()
        if w["kb"] > (100 if w["kind"] == "cold" else 20) or w["reqs"] > 8 or w["js_kb"] > 55
    ]
    return found | {"too_slow": slow, "grows_too_much": grown, "too_heavy": heavy}


def bar_of(name: str) -> int:
    """Milliseconds that a page may take however fast the plain page is."""
    return FLOW_MS if name.startswith(("flow", "agents", "tools")) else PAGE_MS


def run(settings: Settings, options: argparse.Namespace) -> None:
    sizes = [int(size) for size in options.sizes.split(",")]
    organization_id = make_base(settings, sizes[0])
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        connection.execute(PLAIN_TABLE.format(rows=PLAIN_ROWS))
        connection.execute("ANALYZE bench_plain")
    cookie = sign_in(settings, organization_id)
    by_size, weights = {}, None
    web = [sys.executable, "-m", "webapp.cli", "web"]
    flask = [str(Path(sys.executable).with_name("gunicorn")), "-k", "gthread", "-w", "2", "--threads", "16"]
    flask += ["--keep-alive", "30", "-b", f"127.0.0.1:{options.port + 1}", "plain_page:app"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "plain_page.py").write_text(PLAIN_PAGE)
        reach = {"DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.database_owner_url}
        reach |= {"PORT": str(options.port), "DATA_DIR": str(settings.data_dir)}
        plain_dsn = settings.database_owner_url.replace("postgresql+psycopg://", "postgresql://")
        for size in sizes:
            have = grow(settings, organization_id, size)
            with (
                process(web, reach, options.port, "/healthz"),
                process(flask, {"DSN": plain_dsn, "PYTHONPATH": folder}, options.port + 1, "/"),
            ):
                urls = {
                    name: (options.port, path) for name, path in paths(settings, organization_id, options.pages).items()
                }
                by_size[have] = measure(urls | {"plain": (options.port + 1, "/")}, cookie, options.rounds)
                print(json.dumps({"executions": have, "load": os.getloadavg()[0], **by_size[have]}), flush=True)
                if size == sizes[-1] and not options.no_weight:
                    weights = weigh(
                        {n: f"http://127.0.0.1:{options.port}{path}" for n, (_, path) in urls.items()}, cookie
                    )
                    print(json.dumps({"weights": weights}), flush=True)
        print(json.dumps(bars(by_size, weights)))
    if options.explain:
        from tests.bench.explain import explain_pages

        explain_pages(settings, paths(settings, organization_id, options.pages), cookie, options.explain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="scratch folder, readable by other users of the system"
    )
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--pages", default="", help="only these, such as list,list_failed,execution")
    parser.add_argument("--rounds", type=int, default=120)
    parser.add_argument("--port", type=int, default=8471)
    parser.add_argument("--no-weight", action="store_true", help="leave Chromium out")
    parser.add_argument("--explain", type=Path, help="write the slow statements with their plans to this file")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    with open_database(replace(Settings.from_environment(), data_dir=options.data, database_url="")) as settings:
        bring_up_to_date(settings)
        run(settings, options)


if __name__ == "__main__":
    main()
