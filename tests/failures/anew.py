"""Raises the causes of the main set once more with other values, and says which do not join their own group.

python -m tests.failures.anew python
python -m tests.failures.anew data postgresql://...
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.failures import sets
from tests.failures.causes import Case
from webapp.domain.fingerprints import fingerprint

# Raised by programs that tests do not need: an SDK, Node; and by the network's own name server.
ELSEWHERE = ("node", "name_is_unknown")


def raised_anew(part: str, url: str) -> list[Case]:
    """The causes of Python and of a team, or those of databases and models."""
    if part == "python":
        from tests.failures import main_python, main_team

        return [case for module in (main_python, main_team) for case in module.CAUSES.cases("anew", 2, ELSEWHERE)]
    from tests.failures import main_data

    main_data.URL = url
    return list(main_data.CAUSES.cases("anew", 4))


def strays(cases: Sequence[Case]) -> list[tuple[str, object]]:
    """Failures whose fingerprint is none that their cause has in the set."""
    known: dict[bytes, set[str]] = {}
    for case in sets.read("main"):
        known.setdefault(fingerprint(case.failure).hash, set()).add(case.cause)
    found = [(case.cause, fingerprint(case.failure)) for case in cases]
    return [(cause, one.parts) for cause, one in found if cause not in known.get(one.hash, ())]


def main(part: str, url: str = "") -> int:
    """Answer 1 where some strayed or too few were raised."""
    cases = raised_anew(part, url)
    wrong = strays(cases)
    print(f"{len(cases)} raised, strays: {wrong}", file=sys.stderr)
    return int(bool(wrong) or len(cases) <= 100)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
