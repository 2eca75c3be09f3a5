"""Measure reading and mapping without a database: ``python -m tests.bench.mapping FILE``, a file of gen_traces.py."""

import gc
import struct
import sys
import time
from collections import defaultdict
from pathlib import Path

from webapp.ingest.context_stamp import stamp
from webapp.ingest.decode import PROTOBUF, decode
from webapp.ingest.spans import span_from_raw, spans_of
from webapp.ingest.trace import map_trace


def bodies(path: Path) -> list[bytes]:
    """Return the request bodies of a file: each a 4-byte length and then the bytes."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def measure(requests: list[bytes]) -> dict[str, float]:
    """Return microseconds per span of each stage over one pass."""
    times: dict[str, float] = defaultdict(float)
    traces: dict[bytes, list] = defaultdict(list)
    count = 0
    for body in requests:
        start = time.perf_counter()
        message = decode(body, PROTOBUF)
        decoded = time.perf_counter()
        spans, rejected = spans_of(message)
        times["decode"] += decoded - start
        times["spans_of"] += time.perf_counter() - decoded
        assert not rejected
        count += len(spans)
        for span in spans:
            traces[span.trace_id].append(span)
    start = time.perf_counter()
    mapped = [map_trace(group) for group in traces.values()]
    times["map_trace"] = time.perf_counter() - start
    start = time.perf_counter()
    for trace, group in zip(mapped, traces.values(), strict=True):
        stamp(trace, group)
    times["stamp"] = time.perf_counter() - start
    start = time.perf_counter()
    for group in traces.values():
        for span in group:
            span_from_raw(span.raw)
    again = time.perf_counter() - start
    times["sum"] = times["decode"] + times["spans_of"] + times["map_trace"] + times["stamp"]
    times["span_from_raw (remap only)"] = again
    return {stage: seconds / count * 1e6 for stage, seconds in times.items()}


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 1
    requests = bodies(Path(sys.argv[1]))
    gc.freeze()
    passes = [measure(requests) for _ in range(5)]
    for stage in passes[0]:
        print(f"{stage:28} {min(found[stage] for found in passes):7.1f} us/span (best of 5)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
