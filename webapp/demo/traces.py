"""One execution of a plan as spans: the flow, its agents, their model calls, tools and retrievals, and what failed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from webapp.demo.causes import Cause, Moments, stack, strike, version_of
from webapp.demo.plans import EMBED, AgentPlan, Plan
from webapp.demo.schedule import Planned
from webapp.demo.wire import NS_PER_MS, compact, fail, message, put
from webapp.demo.words import answer, question

KINDS = {"api": Span.SPAN_KIND_SERVER, "webhook": Span.SPAN_KIND_SERVER, "event": Span.SPAN_KIND_CONSUMER}
RESPONSES = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18", "gpt-4.1": "gpt-4.1-2025-04-14"}
CANCELLED_SHARE = 0.004


class Stopped(Exception):
    """The execution ends here, failed or cancelled; ``cause`` is what its caller gets."""

    def __init__(self, kind: str, text: str, trace: str):
        super().__init__(text)
        self.kind, self.text, self.trace = kind, text, trace


@dataclass(slots=True)
class Trace:
    """The spans of one execution in the order in which they ended, with the resource that sent them."""

    trace_id: bytes
    resource: tuple[tuple[str, str], ...]
    spans: list[Span] = field(default_factory=list)
    end_ns: int = 0


def trace_id(seed: int, number: int) -> bytes:
    """The id of an execution's trace, always the same for one seed."""
    return blake2b(f"demo:{seed}:{number}".encode(), digest_size=16).digest()


def make_trace(planned: Planned, *, now: datetime, moments: Moments, seed: int) -> Trace:
    """The whole trace of one planned execution."""
    return _Writer(planned, now, moments, seed).write()


class _Writer:
    """Writes one trace with a clock of its own that moves on as spans are made."""

    def __init__(self, planned: Planned, now: datetime, moments: Moments, seed: int):
        self.planned, self.plan = planned, planned.plan
        self.rng = random.Random(f"{seed}:{planned.number}")
        self.clock = int(planned.at.timestamp() * 1000) * NS_PER_MS
        self.cause = strike(self.rng, self.plan.name, planned.at, moments)
        self.is_cancelled = self.cause is None and self.rng.random() < CANCELLED_SHARE
        is_staging = self.rng.random() < self.plan.staging_share
        resource = (
            ("service.name", self.plan.service),
            ("service.version", version_of(self.plan.service, planned.at, now, moments)),
            ("deployment.environment.name", "staging" if is_staging else "production"),
        )
        self.trace = Trace(trace_id(seed, planned.number), resource)
        self.question = question(self.rng, self.plan.subject)
        self.answer = answer(self.rng, self.plan.subject)

    def write(self) -> Trace:
        root = self.open(f"invoke_workflow {self.plan.name}", None, KINDS.get(self.plan.trigger, 1))
        put(root, {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": self.plan.name})
        put(root, self.origin())
        put(root, {"gen_ai.input.messages": compact([message("user", self.question)])})
        self.wait(2, 14)
        try:
            self.agents(root)
            put(root, {"gen_ai.output.messages": compact([message("assistant", self.answer)])})
            self.close(root)
        except Stopped as stopped:
            self.close(root)
            self.fail_root(root, stopped)
        self.trace.end_ns = root.end_time_unix_nano
        return self.trace

    def origin(self) -> dict[str, Any]:
        """What the first span says about who asked, in which session and by which way."""
        slug = self.plan.service
        ways = {
            "api": {"http.request.method": "POST", "http.route": f"/v1/{slug}/runs"},
            "webhook": {"http.request.method": "POST", "http.route": f"/webhook/{slug}"},
            "schedule": {"faas.trigger": "timer"},
            "event": {"messaging.system": "kafka", "messaging.destination.name": f"{slug}.inbox"},
        }
        people = {"session.id": self.planned.session, "user.id": self.planned.user}
        return ways.get(self.plan.trigger, {}) | (people if self.plan.trigger in ("api", "manual") else {})

    def fail_root(self, root: Span, stopped: Stopped) -> None:
        wrapped = self.cause.raised_as if self.cause else None
        kind, text = wrapped or (stopped.kind, stopped.text)
        fail(root, kind, text, f"{stopped.trace}\n\n{kind}: {text}" if wrapped else stopped.trace)

    def agents(self, root: Span) -> None:
        start, ends = self.clock, []
        for place, agent in enumerate(self.plan.agents):
            if self.plan.is_parallel and 1 <= place < len(self.plan.agents) - 1:
                self.clock = start if place > 1 else self.clock
                start = self.clock
            elif ends:
                self.clock = max(ends)
            try:
                self.agent(root, agent)
            finally:
                ends.append(self.clock)
        self.clock = max(ends)

    def agent(self, root: Span, agent: AgentPlan) -> None:
        span = self.open(f"invoke_agent {agent.name}", root)
        put(span, {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent.name})
        put(span, {"gen_ai.provider.name": agent.model[1], "gen_ai.request.model": agent.model[0]})
        self.wait(1, 6)
        try:
            if agent.retrieves:
                self.retrieve(span)
            calls = self.rng.randint(*agent.calls)
            if calls == 1 and agent.tools:
                self.call_tool(span, agent.tools[0])
            for call in range(calls):
                self.call_model(span, agent, is_last=call == calls - 1)
                if agent.tools and call < calls - 1:
                    self.call_tool(span, agent.tools[call % len(agent.tools)])
            self.close(span)
        except Stopped as stopped:
            self.close(span)
            fail(span, stopped.kind, stopped.text, stopped.trace)
            raise

    def retrieve(self, agent: Span) -> None:
        embed = self.open(f"embeddings {EMBED[0]}", agent, Span.SPAN_KIND_CLIENT)
        put(embed, {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": EMBED[0]})
        put(embed, {"gen_ai.provider.name": EMBED[1], "gen_ai.usage.input_tokens": self.rng.randrange(8, 40)})
        self.wait(30, 160)
        self.close(embed)
        found = self.open("retrieval handbook", agent, Span.SPAN_KIND_CLIENT)
        documents = [f"handbook/{self.rng.randrange(400):03d}.md" for _ in range(4)]
        put(found, {"gen_ai.operation.name": "retrieval", "input": self.question, "output": compact(documents)})
        self.wait(12, 90)
        self.close(found)

    def call_model(self, agent_span: Span, agent: AgentPlan, *, is_last: bool) -> None:
        cause = self.cause if self.strikes_model(agent) else None
        span = self.open(f"chat {agent.model[0]}", agent_span, Span.SPAN_KIND_CLIENT)
        put(span, {"gen_ai.operation.name": "chat", "gen_ai.provider.name": agent.model[1]})
        put(span, {"gen_ai.request.model": agent.model[0]})
        put(span, {"gen_ai.input.messages": compact([message("user", self.question)])})
        if cause is not None:
            self.wait(180, 900)
            self.close(span)
            self.break_off(span, cause)
            self.wait(1800, 2600)
            self.call_model(agent_span, agent, is_last=is_last)
            return
        if self.is_cancelled and is_last:
            self.wait(300, 4000)
            self.close(span)
            trace = "Traceback (most recent call last):\nasyncio.exceptions.CancelledError"
            fail(span, "asyncio.exceptions.CancelledError", "the caller went away", trace)
            raise Stopped("asyncio.exceptions.CancelledError", "the caller went away", trace)
        self.answer_model(span, agent, is_last)

    def answer_model(self, span: Span, agent: AgentPlan, is_last: bool) -> None:
        milliseconds = self.plan.seconds * 1000 * self.rng.lognormvariate(0, 0.45)
        text = self.answer if is_last else "I need to look this up first."
        put(span, {"gen_ai.response.model": RESPONSES.get(agent.model[0], agent.model[0])})
        put(span, {"gen_ai.response.finish_reasons": ["stop" if is_last else "tool_calls"]})
        put(span, {"gen_ai.output.messages": compact([message("assistant", text)])})
        if self.plan.tells_tokens:
            read = int(self.rng.lognormvariate(8.3, 0.6)) + 60
            put(span, {"gen_ai.usage.input_tokens": read})
            put(span, {"gen_ai.usage.output_tokens": int(self.rng.lognormvariate(5.7, 0.7)) + 8})
            if self.rng.random() < 0.35:
                put(span, {"gen_ai.usage.cache_read.input_tokens": read * self.rng.randrange(20, 80) // 100})
        if self.plan.streams:
            put(span, {"gen_ai.response.time_to_first_chunk": round(milliseconds * 0.2 / 1000, 3)})
        self.wait(milliseconds, milliseconds + 1)
        self.close(span)

    def call_tool(self, agent_span: Span, tool: str) -> None:
        span = self.open(f"execute_tool {tool}", agent_span)
        put(span, {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.type": "function"})
        put(span, {"gen_ai.tool.call.arguments": compact({"query": self.question[:120], "limit": 5})})
        cause = self.cause
        if cause is not None and cause.tool == tool:
            seconds = cause.seconds or self.rng.uniform(0.02, 0.3)
            self.wait(seconds * 1000, seconds * 1000 + 30)
            self.close(span)
            self.break_off(span, cause)
            self.call_tool(agent_span, tool)
            return
        self.wait(25, 420)
        put(span, {"gen_ai.tool.call.result": compact({"hits": self.rng.randrange(1, 9), "first": self.answer[:160]})})
        self.close(span)

    def break_off(self, span: Span, cause: Cause) -> None:
        """Fail a span; only if a second try helps, the execution goes on (and is not struck again)."""
        text = cause.message.format(n=self.rng.randrange(200_500, 449_000))
        trace = stack(cause, text)
        fail(span, cause.type, text, trace)
        helps = self.rng.random() < cause.recovers
        if not helps:
            raise Stopped(cause.type, text, trace)
        self.cause = None

    def strikes_model(self, agent: AgentPlan) -> bool:
        """Whether the cause hits this agent's model calls: a provider's exception only hits its own models."""
        cause = self.cause
        return cause is not None and cause.tool is None and cause.type.split(".")[0] == agent.model[1]

    def open(self, name: str, parent: Span | None, kind: int = Span.SPAN_KIND_INTERNAL) -> Span:
        number = len(self.trace.spans) + self.rng.getrandbits(48) * 4096
        return Span(
            trace_id=self.trace.trace_id,
            span_id=(number & (1 << 64) - 1 or 1).to_bytes(8, "big"),
            parent_span_id=parent.span_id if parent is not None else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=self.clock,
        )

    def close(self, span: Span) -> None:
        span.end_time_unix_nano = self.clock
        self.trace.spans.append(span)

    def wait(self, low_ms: float, high_ms: float) -> None:
        self.clock += int(self.rng.uniform(low_ms, high_ms) * NS_PER_MS)


def unfinished(trace: Trace, plan: Plan, until_ns: int) -> Trace:
    """What has arrived of an execution that still runs: the spans that had ended by then, so never the flow's own."""
    spans = [span for span in trace.spans[:-1] if span.end_time_unix_nano <= until_ns]
    return Trace(trace.trace_id, trace.resource, spans, until_ns)
