"""How figures and instants are written for people; registered as Jinja filters under the same names.

Every function takes None and answers an en dash: unknown is never shown as 0.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

NOTHING = "–"
HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def usd(value: Decimal | None, places: int = 2) -> str:
    """US dollars: 2 places for sums, 4 for one execution, 0 for axes; a positive sum that rounds to zero says so."""
    if value is None:
        return NOTHING
    smallest = Decimal(1).scaleb(-places)
    if 0 < value < smallest:
        return f"<${smallest}"
    return f"-${-value:,.{places}f}" if value < 0 else f"${value:,.{places}f}"


def tokens(value: int | None) -> str:
    """Whole up to 999,999, then four digits and M or B."""
    if value is None:
        return NOTHING
    if value < 1_000_000:
        return f"{value:,}"
    scaled, unit = (value / 1e9, "B") if value >= 1_000_000_000 else (value / 1e6, "M")
    places = 3 - len(str(int(scaled))) + 1
    return f"{scaled:.{max(places, 0)}f} {unit}"


def count(value: int | None) -> str:
    """A whole number with thousands separators."""
    return NOTHING if value is None else f"{value:,}"


def duration(milliseconds: float | None) -> str:
    """Three significant digits under a minute (``840 ms``, ``4.82 s``), then ``1 m 07 s`` and ``2 h 05 m``."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def percent(share: float | None) -> str:
    """A share of 1 with one decimal; what is not quite all or nothing is not rounded to it."""
    if share is None:
        return NOTHING
    value = share * 100
    if 0 < value < 0.05:
        return "<0.1%"
    if 99.95 <= value < 100:
        return ">99.9%"
    return f"{value:.1f}%"


def day(at: datetime, *, now: datetime) -> str:
    """``Fri 20 Nov``, with the year when it is not this one; both in the zone of ``now``."""
    local = at.astimezone(now.tzinfo)
    text = f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"
    return text if local.year == now.year else f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def full_time(at: datetime, zone: ZoneInfo) -> str:
    """``Tue 24 Nov 2026, 20:03:12 Asia/Seoul``, for titles."""
    local = at.astimezone(zone)
    return f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}, {local:%H:%M:%S} {zone.key}"


def clock(at: datetime | None, *, zone: ZoneInfo, now: datetime) -> str | Markup:
    """A ``<time>`` with the parts that are today left out and the whole instant in its title."""
    if at is None:
        return NOTHING
    local = at.astimezone(zone)
    here = now.astimezone(zone)
    text = f"{local:%H:%M:%S}" if local.date() == here.date() else f"{day(at, now=here)} {local:%H:%M}"
    # No part holds a character of HTML, and Markup.format costs ten times the join: a list has fifty of these.
    return Markup(
        f'<time datetime="{local.isoformat(timespec="milliseconds")}" title="{full_time(at, zone)}">{text}</time>'
    )


def ago(at: datetime | None, *, now: datetime) -> str:
    """``2 min ago``: only for activity, and only beside a ``<time>`` that has the instant."""
    if at is None:
        return "never"
    seconds = max((now - at) / timedelta(seconds=1), 0)
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {word} ago"
    return "just now"


def ago_time(at: datetime | None, *, zone: ZoneInfo, now: datetime) -> str | Markup:
    """:func:`ago` inside a ``<time>`` whose title is the instant."""
    if at is None:
        return "never"
    instant, title = at.isoformat(timespec="seconds"), full_time(at, zone)
    return Markup(f'<time datetime="{instant}" title="{title}">{ago(at, now=now)}</time>')


def short_id(value: object, prefix: str = "ex_") -> Markup:
    """``ex_`` and the last 8 hex digits, the whole id in the title; UUIDv7 begin alike, their tails differ."""
    whole = str(value)
    tail = whole.replace("-", "")[-8:]
    return Markup(f'<span class="mono" title="{escape(whole)}">{prefix}{escape(tail)}</span>')


def plural(number: int, one: str, many: str | None = None) -> str:
    """``1 run`` or ``1,204 runs``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def initials(name: str) -> str:
    """Up to two letters for an avatar."""
    parts = [part for part in name.replace(".", " ").replace("@", " ").split() if part]
    return "".join(part[0] for part in parts[:2]).upper() or "?"


def lang(text: str | None) -> Markup:
    """The attribute that marks Korean text, so that it is read aloud and broken into lines as Korean; else nothing."""
    return Markup(' lang="ko"') if text and HANGUL.search(text) else Markup()


FILTERS = {
    "lang": lang,
    "usd": usd,
    "tokens": tokens,
    "count": count,
    "duration": duration,
    "percent": percent,
    "short_id": short_id,
    "plural": plural,
    "initials": initials,
    "escape_text": escape,
}
