"""The time zones that a person can choose from, by the names of the IANA database that ships with us."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def zone_names() -> tuple[str, ...]:
    """UTC first, then one name per place (``Asia/Seoul``), sorted; without the old aliases."""
    lines = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines()
    places = {line.split("\t")[2] for line in lines if line and not line.startswith("#")}
    return ("UTC", *sorted(places))
