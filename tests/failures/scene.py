"""A small tracer: code runs inside spans, and what it raises is recorded as the OpenTelemetry SDK records it.

The spans go through the product's own mapping, so a failure of the set is what ingest would find in such a trace.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.ingest.build import ERROR, START_NS, Trace
from webapp.domain.fingerprints import Failure
from webapp.domain.fingerprints_trace import failure_in

MODELS = {
    "openai": ("gpt-4o", "gpt-4o-mini", "gpt-5.1", "o4-mini"),
    "anthropic": ("claude-sonnet-4-5", "claude-opus-4-1-20250805", "claude-3-5-haiku-latest"),
    "gcp.gemini": ("gemini-2.5-flash", "gemini-2.5-pro"),
}


class AgentRunError(Exception):
    """What a framework makes of an error inside an agent."""


class FlowFailed(RuntimeError):
    """What a team's own code makes of it at the top."""


class Scene:
    """One execution that is about to fail. ``short_types`` writes exception types without their module."""

    def __init__(self, flow: str, rng: random.Random, *, short_types: bool = False, says_stack: bool = True):
        self.flow, self.rng, self.short_types, self.says_stack = flow, rng, short_types, says_stack
        self.trace = Trace(trace_id=rng.randbytes(16))
        self._open: list = []
        self._now = 0

    @contextmanager
    def span(self, name: str, **attributes: object) -> Iterator[None]:
        parent = self._open[-1] if self._open else None
        span = self.trace.span(name, parent, at=(self._now, self._now), attributes=attributes)
        span.span_id = self.rng.randbytes(8)
        self._open.append(span)
        self._now += 1
        try:
            yield
        except BaseException as error:
            self._record(span, error)
            raise
        finally:
            self._open.pop()
            self._now += self.rng.randint(1, 900)
            span.end_time_unix_nano = START_NS + self._now * 1_000_000

    def _record(self, span, error: BaseException) -> None:
        kind = type(error)
        name = kind.__qualname__ if self.short_types else f"{kind.__module__}.{kind.__qualname__}"
        name = name.removeprefix("builtins.")
        span.status.code, span.status.message = ERROR, f"{kind.__name__}: {error}"
        event = span.events.add(name="exception", time_unix_nano=START_NS + self._now * 1_000_000)
        said = {"exception.type": name, "exception.message": str(error)}
        if self.says_stack:
            said["exception.stacktrace"] = "".join(traceback.format_exception(error))
        for key, value in said.items():
            event.attributes.add(key=key).value.string_value = value.encode(errors="replace").decode()

    def flow_span(self):
        return self.span(f"invoke_workflow {self.flow}", **{"gen_ai.operation.name": "invoke_workflow"})

    def agent(self, name: str):
        return self.span(f"invoke_agent {name}", **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name})

    def tool(self, name: str):
        return self.span(
            f"execute_tool {name}",
            **{
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": name,
                "gen_ai.tool.call.id": f"call_{self.rng.getrandbits(64):x}",
            },
        )

    def model(self, provider: str, operation: str = "chat"):
        model = self.rng.choice(MODELS[provider])
        return self.span(
            f"{operation} {model}",
            **{
                "gen_ai.operation.name": operation,
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": model,
            },
        )

    def failure(self) -> Failure:
        """What ingest finds in this execution."""
        mapped = self.trace.mapped(settled=True)
        assert mapped.status in ("failed", "cancelled"), (self.flow, mapped.status)
        return failure_in(mapped, flow=self.flow)


def play(
    scene: Scene, place: Callable[[], object], agent: str | None, fail: Callable[[int], None], can_be_deep: bool = True
) -> None:
    """Run ``fail(attempt)`` inside spans until it fails for good.

    Chance decides how: at once, deeper, as the last of several attempts, or wrapped by agent and flow in errors of
    their own. Raises: whatever reaches the top.
    """
    shape = scene.rng.choice(("plain", "deep" if can_be_deep else "plain", "retried", "wrapped", "wrapped"))
    attempts = scene.rng.randint(2, 3) if shape == "retried" else 1

    def run() -> None:
        for attempt in range(1, attempts):
            with suppress(Exception), place():
                fail(attempt)
        with place():
            fail(attempts)

    def in_agent() -> None:
        if agent is None:
            run()
            return
        try:
            with scene.agent(agent):
                if shape == "deep":
                    with scene.span("turn"), scene.span("prepare"):
                        run()
                else:
                    run()
        except Exception as error:
            if shape != "wrapped":
                raise
            raise AgentRunError(f"agent {agent} failed after {attempts} attempt(s): {error}") from error

    with scene.flow_span():
        try:
            in_agent()
        except Exception as error:
            if shape != "wrapped":
                raise
            raise FlowFailed(f"flow {scene.flow} stopped: {error!r}"[:500]) from error
