"""Durations kept as counts per logarithmic bin, so that percentiles of any window can be added up.

A bin is half a doubling wide; interpolated inside the bin, a percentile is off by a few percent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LIMITS: tuple[int, ...] = tuple(sorted({round(2 ** (half / 2)) for half in range(64)}))
"""Milliseconds at which bins 1, 2, ... begin, from 1 ms to 47 days; bin 0 is below the first."""


def add(bins: dict[int, int], histogram: Iterable[int] | None) -> None:
    """Add a stored histogram to counts by bin. It holds the number of its first bin, then the counts from there on."""
    if histogram is None:
        return
    first, *counts = histogram
    for place, count in enumerate(counts, first):
        if count:
            bins[place] = bins.get(place, 0) + count


def percentile(bins: Mapping[int, int], share: float) -> float | None:
    """Milliseconds below which ``share`` of the durations lie; None without durations."""
    total = sum(bins.values())
    if not total:
        return None
    wanted = share * total
    seen = 0
    for place in sorted(bins):
        count = bins[place]
        if seen + count >= wanted:
            low = LIMITS[place - 1] if place else 0
            high = LIMITS[place] if place < len(LIMITS) else low * 2
            return low + (high - low) * max(wanted - seen, 0) / count
        seen += count
    return float(LIMITS[-1])
