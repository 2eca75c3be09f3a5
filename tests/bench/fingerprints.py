"""Measure fingerprints beside a plain hash of the same text: ``python -m tests.bench.fingerprints``."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b

from tests.failures import hostile, sets
from webapp.domain.fingerprints import Failure, fingerprint, title

ROUNDS = 5


def plain(failure: Failure) -> bytes:
    """What grouping by the very text would cost."""
    parts = (failure.error_type, failure.message, failure.step_kind, failure.step_name)
    return blake2b("\0".join(part or "" for part in parts).encode(errors="replace"), digest_size=16).digest()


def times(call: Callable[[Failure], object], failures: Sequence[Failure]) -> list[float]:
    """Milliseconds of each failure, the best of some rounds: the rest is the machine's."""
    best = [float("inf")] * len(failures)
    for _ in range(ROUNDS):
        for at, failure in enumerate(failures):
            start = time.perf_counter()
            call(failure)
            best[at] = min(best[at], time.perf_counter() - start)
    return [seconds * 1000 for seconds in best]


def row(name: str, found: list[float], beside: list[float]) -> str:
    ordered = sorted(found)
    p99 = ordered[int(len(ordered) * 0.99)]
    ratio = statistics.median(found) / statistics.median(beside)
    return f"{name:36} {len(found):5} {statistics.median(found):9.4f} {p99:9.4f} {ordered[-1]:9.4f} {ratio:10.1f}"


def main() -> int:
    gc.freeze()
    print(f"{'ms':36} {'n':>5} {'p50':>9} {'p99':>9} {'worst':>9} {'x plain':>10}")
    kinds = {
        "main set": [case.failure for case in sets.read("main")],
        "held-out set": [case.failure for case in sets.read("held_out")],
        "hostile": hostile.failures(),
    }
    for name, failures in kinds.items():
        beside = times(plain, failures)
        print(row(f"plain hash, {name}", beside, beside))
        print(row(f"fingerprint, {name}", times(fingerprint, failures), beside))
        print(row(f"title, {name}", times(title, failures), beside))
    found = times(fingerprint, kinds["hostile"])
    for _, at in sorted(((ms, at) for at, ms in enumerate(found)), reverse=True)[:5]:
        print(f"  {found[at]:.3f} ms {kinds['hostile'][at].error_type} {kinds['hostile'][at].message[:60]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
