"""Kill web, worker and database with SIGKILL while exports arrive; then every acknowledged span must be there, once.

``python -m tests.faults.kill_ingest [--rounds 20] [--seconds 3] [--rate 100]`` starts an instance of its own. Exports
of 20 spans are sent at the rate by several senders that retry as exporters do, always with the same body. Prints one
JSON object and exits 1 when a span is missing or doubled, or an answer was something else than 200 or 503.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import queue
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random, randbytes

import psutil

from tests.bench.instance import Instance, instance
from tests.ingest.build import START_NS
from tests.ingest.http import export, make_span

SPANS = 20
SENDERS = 8
TARGETS = ("web", "worker", "database")
GIVE_UP_SECONDS = 30


@dataclass
class Tally:
    """What the senders saw."""

    acknowledged: set[bytes] = field(default_factory=set)
    sent: int = 0
    answers: Counter = field(default_factory=Counter)
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="how often each of web, worker and database is killed")
    parser.add_argument("--seconds", type=float, default=3, help="load before each kill")
    parser.add_argument("--rate", type=float, default=100, help="exports per second")
    options = parser.parse_args()
    with instance() as own:
        found = torment(own, options.rounds, options.seconds, options.rate)
    print(json.dumps(found, indent=1))
    return 1 if found["missing"] or found["doubled"] or found["bad_answers"] or found["not_given_up"] else 0


def torment(own: Instance, rounds: int, seconds: float, rate: float) -> dict:
    """Return what was acknowledged and what is stored after all kills."""
    tally, work, stop = Tally(), queue.Queue(maxsize=200), threading.Event()
    senders = [threading.Thread(target=send_all, args=(own, work, tally), daemon=True) for _ in range(SENDERS)]
    maker = threading.Thread(target=make_exports, args=(work, rate, stop), daemon=True)
    for thread in (*senders, maker):
        thread.start()
    recovered = []
    for number in range(rounds * len(TARGETS)):
        time.sleep(seconds)
        if kill(own, TARGETS[number % len(TARGETS)]):
            recovered.append(round(recovery_seconds(own), 2))
    time.sleep(seconds)
    stop.set()
    maker.join()
    for _ in senders:
        work.put(None)
    for thread in senders:
        thread.join(GIVE_UP_SECONDS * 2)
    return compare(own, tally) | {"kills": len(recovered), "slowest_recovery_s": max(recovered, default=0)}


def make_exports(work: queue.Queue, rate: float, stop: threading.Event) -> None:
    """Put exports into the queue; traces span two exports, so that known traces are mapped again under fire."""
    rng, pending = Random(1), []
    while not stop.is_set():
        trace, top = randbytes(16), randbytes(8)
        spans = [make_span(name=f"step {n}", trace_id=trace, parent=top) for n in range(2 * SPANS - 1)]
        spans.append(make_span(name="flow", trace_id=trace, span_id=top, start_ns=START_NS, ms=5_000))
        pending += [spans[:SPANS], spans[SPANS:]]
        rng.shuffle(pending)
        while len(pending) > 4:
            ids = pending.pop()
            with contextlib.suppress(queue.Full):
                work.put((export(ids), [span.span_id for span in ids]), timeout=1)
            time.sleep(1 / rate)
    for ids in pending:
        work.put((export(ids), [span.span_id for span in ids]))


def send_all(own: Instance, work: queue.Queue, tally: Tally) -> None:
    connection = None
    while (item := work.get()) is not None:
        body, ids = item
        begin = time.monotonic()
        while True:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", own.port, timeout=10)
                headers = {"x-api-key": own.key, "Content-Type": "application/x-protobuf"}
                connection.request("POST", "/v1/traces", body, headers)
                answer = connection.getresponse()
                answer.read()
                status: int | str = answer.status
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                connection.close()
                connection = None
            with tally.lock:
                tally.answers[status] += 1
            if status == 200:
                with tally.lock:
                    tally.sent += 1
                    tally.acknowledged.update(ids)
                break
            if time.monotonic() - begin > GIVE_UP_SECONDS:
                with tally.lock:
                    tally.lost += 1
                break
            time.sleep(0.2)
    if connection is not None:
        connection.close()


def kill(own: Instance, target: str) -> bool:
    """Send SIGKILL to all processes of a part; returns whether there were any."""
    found = [process for process in psutil.process_iter(["cmdline", "ppid"]) if _is_part(own, process, target)]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)
    return bool(found)


def _is_part(own: Instance, process: psutil.Process, target: str) -> bool:
    with contextlib.suppress(psutil.Error):
        if target == "database":
            return str(own.server.cluster) in " ".join(process.cmdline()) or _is_child_of_database(own, process)
        command = process.cmdline()
        return target in command and "webapp.cli" in command and process.environ().get("DATA_DIR") == str(own.folder)
    return False


def _is_child_of_database(own: Instance, process: psutil.Process) -> bool:
    parent = process.parent()
    return parent is not None and str(own.server.cluster) in " ".join(parent.cmdline())


def recovery_seconds(own: Instance) -> float:
    """Wait until the instance has noticed and answers again."""
    begin = time.monotonic()
    time.sleep(0.3)
    own.wait_until_ready()
    return time.monotonic() - begin


def compare(own: Instance, tally: Tally) -> dict:
    """Compare what was acknowledged with what is stored: spans, their steps, and executions per trace."""
    own.wait_until_ready()
    with own.connect() as connection:
        stored = Counter(bytes(row[0]) for row in connection.execute("SELECT span_id FROM spans"))
        steps = Counter(bytes(row[0]) for row in connection.execute("SELECT span_id FROM agent_executions"))
        doubled_traces = connection.execute(
            "SELECT count(*) FROM (SELECT trace_id FROM flow_executions GROUP BY trace_id HAVING count(*) > 1) x"
        ).fetchone()[0]
    good = {200, 503} | {answer for answer in tally.answers if isinstance(answer, str)}
    return {
        "exports": tally.sent,
        "acknowledged": len(tally.acknowledged),
        "stored": sum(stored.values()),
        "missing": len(tally.acknowledged - stored.keys()) + len(tally.acknowledged - steps.keys()),
        "doubled": sum(n > 1 for n in stored.values()) + sum(n > 1 for n in steps.values()) + doubled_traces,
        "answers": {str(answer): count for answer, count in tally.answers.items()},
        "bad_answers": sum(count for answer, count in tally.answers.items() if answer not in good),
        "not_given_up": tally.lost,
    }


if __name__ == "__main__":
    sys.exit(main())
