"""The kept sets of labelled failures, and how well a grouping finds their causes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from webapp.domain.fingerprints import Failure

FILES = {name: Path(__file__).parent / f"{name}.jsonl" for name in ("main", "held_out", "shapes")}


@dataclass(frozen=True)
class Labelled:
    """A failure and its true cause."""

    cause: str
    library: str
    failure: Failure


@dataclass(frozen=True)
class Figures:
    """``precision``: of all pairs in one group, the share with one cause; ``recall``: of all pairs with one cause, the
    share in one group. ``exact`` counts causes that are one group and nothing else."""

    failures: int
    causes: int
    groups: int
    exact: int
    precision: float
    recall: float
    split: dict[str, int]
    mixed: list[tuple[str, ...]]

    def __str__(self) -> str:
        return (
            f"{self.failures} failures, {self.causes} causes, {self.groups} groups: pairwise precision "
            f"{self.precision:.4f}, recall {self.recall:.4f}; {self.exact} causes exactly right, "
            f"{len(self.split)} split, {len(self.mixed)} groups mixed"
        )


def read(name: str) -> list[Labelled]:
    """Return one of the kept sets."""
    found = []
    for line in FILES[name].read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        fields = row["failure"]
        fields["raised_as"] = tuple(fields.get("raised_as", ()))
        for key in ("error_type", "message"):
            fields.setdefault(key, None)
        found.append(Labelled(row["cause"], row["library"], Failure(**fields)))
    return found


def measure(cases: Sequence[Labelled], group_of: Callable[[Failure], Hashable]) -> Figures:
    """Return how the groups of a grouping compare with the causes."""
    cells: Counter[tuple[str, Hashable]] = Counter((case.cause, group_of(case.failure)) for case in cases)
    by_cause: Counter[str] = Counter()
    by_group: Counter[Hashable] = Counter()
    groups_of, causes_of = defaultdict(set), defaultdict(set)
    for (cause, group), count in cells.items():
        by_cause[cause] += count
        by_group[group] += count
        groups_of[cause].add(group)
        causes_of[group].add(cause)
    together = _pairs(cells.values())
    return Figures(
        failures=len(cases),
        causes=len(by_cause),
        groups=len(by_group),
        exact=sum(len(groups) == 1 and len(causes_of[next(iter(groups))]) == 1 for groups in groups_of.values()),
        precision=together / max(_pairs(by_group.values()), 1),
        recall=together / max(_pairs(by_cause.values()), 1),
        split={cause: len(groups) for cause, groups in groups_of.items() if len(groups) > 1},
        mixed=[tuple(sorted(causes)) for causes in causes_of.values() if len(causes) > 1],
    )


def _pairs(counts) -> int:
    return sum(count * (count - 1) // 2 for count in counts)
