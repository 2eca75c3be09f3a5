"""How a cause is written down: a function that raises for real, and where it is raised.

The label of a failure is the name of the function that raised it, and its place where the place is part of the cause:
an error of a tool is one cause in all flows, an error of a flow's own step is one per step, a provider's outage is one
per provider, a request that the provider refuses is one per agent that sends such requests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from tests.failures.scene import Scene, play
from tests.failures.values import Values
from webapp.domain.fingerprints import Failure

FLOWS = ("nightly-invoices", "support-triage", "배송 지연 안내")
AGENTS = ("triage", "writer", "researcher")
Raiser = Callable[[Values, int], None]


@dataclass(frozen=True)
class Cause:
    """``library`` names the code that raises. ``places``: tools, flow/step pairs, agents or one provider."""

    name: str
    library: str
    kind: str
    places: tuple[str, ...]
    count: int
    raise_it: Raiser
    provider: str = ""


@dataclass(frozen=True)
class Case:
    """One failure with the cause that the code knows."""

    cause: str
    library: str
    failure: Failure


class Causes:
    """The causes of one set, in the order in which they are written."""

    def __init__(self) -> None:
        self.all: list[Cause] = []

    def _add(self, library: str, kind: str, places: tuple[str, ...], count: int, provider: str = ""):
        def keep(raise_it: Raiser) -> Raiser:
            self.all.append(Cause(raise_it.__name__, library, kind, places, count, raise_it, provider))
            return raise_it

        return keep

    def tool(self, library: str, *tools: str, count: int = 10):
        """Raised inside these tools, each of which is a cause; any flow and agent may call them."""
        return self._add(library, "tool", tools, count)

    def step(self, library: str, *steps: str, count: int = 10):
        """Raised inside steps written ``flow/step``, each of which is a cause."""
        return self._add(library, "step", steps, count)

    def agent(self, library: str, *agents: str, count: int = 10):
        """Raised by agents themselves, each of which is a cause."""
        return self._add(library, "agent", agents, count)

    def outage(self, library: str, provider: str, count: int = 12):
        """A provider that answers nobody: one cause, whichever flow, agent and model asked."""
        return self._add(library, "outage", (provider,), count, provider)

    def request(self, library: str, provider: str, *agents: str, count: int = 10):
        """A request that the provider refuses: one cause per agent that makes it."""
        return self._add(library, "request", agents, count, provider)

    def cases(self, seed: str, most: int = 100, without: Collection[str] = ()) -> Iterator[Case]:
        """Raise them all, each at most so often, but for those of some libraries or names."""
        for cause in self.all:
            if cause.library in without or cause.name in without:
                continue
            for place in cause.places:
                label = cause.name if len(cause.places) == 1 else f"{cause.name} @ {place}"
                for number in range(min(most, cause.count)):
                    yield Case(label, cause.library, _fail(cause, place, f"{seed}:{label}:{number}"))


def _fail(cause: Cause, place: str, seed: str) -> Failure:
    rng = random.Random(seed)
    flow, agent = rng.choice(FLOWS), rng.choice(AGENTS)
    if cause.kind == "step":
        flow, _, place = place.partition("/")
        agent = None
    elif cause.kind in ("agent", "request"):
        agent = place
    scene = Scene(flow, rng, short_types=rng.random() < 0.2)
    values = Values(seed)
    with suppress(Exception):
        # An agent's own error arises in its own span: its code has one place, so it is never deeper.
        is_own = cause.kind == "agent"
        play(scene, lambda: _span(scene, cause, place), agent, lambda at: cause.raise_it(values, at), not is_own)
    return scene.failure()


@contextmanager
def _span(scene: Scene, cause: Cause, place: str) -> Iterator[None]:
    with ExitStack() as stack:
        if cause.kind == "tool":
            stack.enter_context(scene.tool(place))
            # Some tools have spans of their own inside, such as an instrumented HTTP client's.
            if scene.rng.random() < 0.25:
                stack.enter_context(scene.span("POST"))
        elif cause.kind in ("outage", "request"):
            stack.enter_context(scene.model(cause.provider))
        elif cause.kind == "step":
            stack.enter_context(scene.span(place))
        yield
