"""Incidents, each with what caused it. Written before the ranking, which reads none of this."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random

from tests.incidents.timeline import Chance, Incident, LoggedEvent, Story, Truth, at, play, switching, when
from tests.incidents.world import Outcome, Setup

BAD_REQUEST = Outcome("model", "BadRequestError", "Error code: 400 - this model does not support tool use")
UNAVAILABLE = Outcome("model", "APIStatusError", "Error code: 503 - the server is overloaded")
NOT_PARSED = Outcome("late", "OutputParserException", "the answer is not the JSON that was asked for")
TRUNCATED = Outcome("late", "LengthFinishReasonError", "the answer was cut by the limit of tokens")
BAD_ARGUMENT = Outcome("tool", "ValidationError", "field amount is required")
BROKEN_CODE = Outcome("tool", "AttributeError", "'NoneType' object has no attribute 'items'")
REFUSED = Outcome("tool", "McpError", "tools/call was refused by the server")

POET = "You are a support agent. Answer from the manual, and always as a poem."
REFUND2 = (("find_order", "order_id"), ("refund", "order_id, amount, reason"))
CONVENTIONS = ("otel", "openinference", "traceloop", "vercel")

# What changes, how executions then fail, and how the new value is called.
CHANGES = {
    "model": ({"model": "gpt-4o", "answered": "gpt-4o-2024-11-20"}, BAD_REQUEST, "gpt-4o"),
    "model_answered": ({"answered": "gpt-4o-mini-2026-10-01"}, NOT_PARSED, "2026-10-01"),
    "model_settings": ({"max_tokens": 60, "temperature": 1.4}, TRUNCATED, "temperature 1.4"),
    "provider": ({"provider": "azure"}, BAD_REQUEST, "azure"),
    "prompt": ({"prompt": POET}, NOT_PARSED, "poem"),
    "tools": ({"tools": REFUND2}, BAD_ARGUMENT, "refund"),
    "agent": ({"agent_version": "2.1"}, NOT_PARSED, "2.1"),
    "service_version": ({"service_version": "1.5.0"}, BROKEN_CODE, "1.5.0"),
    "flow_version": ({"flow_version": "8"}, NOT_PARSED, "8"),
    "plugin": ({"plugin_version": "2026-11-01"}, REFUSED, "2026-11-01"),
    "library": ({"library_version": "2.69.0"}, BROKEN_CODE, "2.69.0"),
}
BASES = {
    "agent": {"agent_version": "2.0"},
    "flow_version": {"flow_version": "7"},
    "plugin": {"plugin_version": "2026-07-28"},
}
INNOCENT = {"service_version": "1.4.1"}


def changed(dimension: str, rate: float, convention: str = "otel", *, background: float = 0.0, **more) -> Incident:
    """One change, full from one moment on."""
    fields, error, label = CHANGES[dimension]

    def make(rng: Random) -> Story:
        hour = rng.uniform(4, 9)
        base = Setup(convention=convention, **BASES.get(dimension, {}))
        chance = when(lambda moment, _: moment >= at(hour), rate, background)
        runs = play(rng, switching(base, (hour, fields)), chance, error, **more)
        return Story(error, Truth(dimension, label), runs)

    kind = "background" if background else dimension
    return Incident(f"{dimension} {convention} {rate:.0%}{' of background' if background else ''}", kind, make)


def two_changes(
    guilty: str, innocent: dict, gap: float, *, rate: float = 0.8, share: float = 1.0, convention: str = "otel"
):
    """A change that breaks, and one beside it that does not, ``gap`` hours earlier (later if negative)."""
    fields, error, label = CHANGES[guilty]

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        guilty_at = switching(Setup(convention=convention, **BASES.get(guilty, {})), (hour, fields))
        other_at = switching(Setup(), (hour - gap, innocent), share=share)

        def setup_at(moment: datetime, rng: Random) -> Setup:
            other = other_at(moment, rng)
            return replace(guilty_at(moment, rng), **{name: getattr(other, name) for name in innocent})

        runs = play(rng, setup_at, when(lambda moment, _: moment >= at(hour), rate), error)
        return Story(error, Truth(guilty, label), runs)

    return Incident(f"{guilty} beside {'/'.join(innocent)} {gap:+g} h x{share}", "two changes", make)


def rollout(dimension: str, share: float, rate: float, convention: str = "otel", innocent: bool = False) -> Incident:
    """A share of the runs has the change from one moment on."""
    fields, error, label = CHANGES[dimension]

    def make(rng: Random) -> Story:
        hour = rng.uniform(3, 6)
        base = Setup(convention=convention, **BASES.get(dimension, {}))
        changes = switching(base, (hour, fields), share=share)
        name, value = next(iter(fields.items()))
        beside = {"library_version": "2.69.0"} if dimension == "service_version" else INNOCENT

        def setup_at(moment: datetime, rng: Random) -> Setup:
            setup = changes(moment, rng)
            return replace(setup, **beside) if innocent and moment >= at(hour - 0.5) else setup

        runs = play(rng, setup_at, when(lambda _, setup: getattr(setup, name) == value, rate), error, count=200)
        return Story(error, Truth(dimension, label), runs)

    return Incident(f"{dimension} rolled out to {share:.0%}, {rate:.0%} fail", "gradual", make)


def rolled_back(dimension: str, rate: float) -> Incident:
    """The change is taken back after two hours, and the failures end."""
    fields, error, label = CHANGES[dimension]

    def make(rng: Random) -> Story:
        hour = rng.uniform(4, 7)
        base = Setup(**BASES.get(dimension, {}))
        old = {name: getattr(base, name) for name in fields}
        is_bad = when(lambda moment, _: at(hour) <= moment < at(hour + 2), rate)
        runs = play(rng, switching(base, (hour, fields), (hour + 2, old)), is_bad, error, count=200)
        return Story(error, Truth(dimension, label), runs)

    return Incident(f"{dimension} changed and taken back", "rollback", make)


def back_to_bad(rate: float) -> Incident:
    """An old version that fails is brought back: it is not new, but it is what changed."""

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        setup_at = switching(
            Setup(service_version="1.3.0"), (1.0, {"service_version": "1.4.0"}), (hour, {"service_version": "1.3.0"})
        )
        runs = play(rng, setup_at, when(lambda m, _: m >= at(hour), rate), BROKEN_CODE, count=180)
        return Story(BROKEN_CODE, Truth("service_version", "1.3.0"), runs)

    return Incident(f"back to an old version, {rate:.0%} fail", "rollback", make)


def outage(
    rate: float = 0.9, *, deployed: float | None = None, ends: float | None = None, falls_back: bool = False,
    flows: int = 2, convention: str = "otel",
) -> Incident:  # fmt: skip
    """A provider fails for all flows; a deployment some hours before has nothing to do with it."""
    error = replace(UNAVAILABLE, falls_back_to="claude-haiku-4-5" if falls_back else None)

    def make(rng: Random) -> Story:
        hour = rng.uniform(6, 8)
        changes = [(hour - deployed, {"service_version": "1.5.0"})] if deployed else []
        is_bad = when(lambda m, _: at(hour) <= m < at(hour + (ends or 24)), rate)
        story = Story(error)
        for number in range(flows):
            setup_at = switching(Setup(convention=convention), *changes)
            story.runs += play(rng, setup_at, is_bad, error, flow=f"support {'abcd'[number]}", count=110)
        return story

    words = [
        f"deployed {deployed} h before" if deployed else "",
        "over again" if ends else "",
        "fallback" if falls_back else "",
    ]
    return Incident(f"outage {' '.join(filter(None, words))} {convention} {rate:.0%}", "outage", make)


def noise(rate: float, *changes: tuple[float, dict], share: float = 1.0, count: int = 200) -> Incident:
    """The same rare failure all the time; what changes meanwhile has nothing to do with it."""

    def make(rng: Random) -> Story:
        runs = play(rng, switching(Setup(), *changes, share=share), lambda *_: rate, BROKEN_CODE, count=count)
        if not any(run.outcome is BROKEN_CODE for run in runs):
            runs[-1] = replace(runs[-1], outcome=BROKEN_CODE)
        return Story(BROKEN_CODE, Truth(), runs)

    return Incident(f"noise {rate:.0%} with {len(changes)} changes x{share}", "no change", make)


def started_by_itself(rate: float, *changes: tuple[float, dict], convention: str = "otel") -> Incident:
    """Something that nobody tracks breaks at an hour at which nothing of ours changed."""

    def make(rng: Random) -> Story:
        runs = play(
            rng, switching(Setup(convention=convention), *changes), when(lambda m, _: m >= at(8), rate), BROKEN_CODE
        )
        return Story(BROKEN_CODE, Truth(), runs)

    return Incident(f"by itself {rate:.0%} with {len(changes)} changes", "no change", make)


def by_event(type_: str, rate: float, *, beside: str | None = None, innocent: dict | None = None) -> Incident:
    """Nothing in the spans tells the change; somebody made it here."""

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        changes = [(hour - 2, innocent)] if innocent else []
        base = Setup(convention="silent", service_version="1.4.0")
        runs = play(rng, switching(base, *changes), when(lambda m, _: m >= at(hour), rate), NOT_PARSED)
        events = [LoggedEvent(at(hour), type_, {"changed": ["system_prompt"]})]
        if beside:
            events.append(LoggedEvent(at(hour - 2), beside, {"changed": ["description"]}))
        return Story(NOT_PARSED, Truth(type_.partition(".")[0], ""), runs, events)

    return Incident(f"{type_} {rate:.0%}{' beside ' + beside if beside else ''}", "event", make)


def untold(dimension: str, rate: float, convention: str) -> Incident:
    """A change that the sender does not tell: no suspect, and the page says what is unknown."""
    fields, error, _ = CHANGES[dimension]

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        runs = play(
            rng, switching(Setup(convention=convention), (hour, fields)), when(lambda m, _: m >= at(hour), rate), error
        )
        return Story(error, Truth(), runs, unknown=(dimension,))

    return Incident(f"{dimension} untold by {convention}", "unknown", make)


def per_run_prompt(rate: float, convention: str) -> Incident:
    """The prompt holds a date and a customer's number in each run; the model changes."""
    fields, error, label = CHANGES["model"]

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        switch = switching(Setup(convention=convention), (hour, fields))

        def setup_at(moment: datetime, rng: Random) -> Setup:
            prompt = (
                f"You are a support agent. Now it is {moment:%Y-%m-%d %H:%M}. The customer is {rng.randrange(10**7)}."
            )
            return replace(switch(moment, rng), prompt=prompt)

        return Story(error, Truth("model", label), play(rng, setup_at, _after(hour, rate), error))

    return Incident(f"model with a prompt per run {convention}", "per run", make)


def names_in_prompt(rate: float) -> Incident:
    """The prompt holds the name of whoever asks, which no rule can tell from the rest."""
    fields, error, label = CHANGES["tools"]

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        switch = switching(Setup(), (hour, fields))

        def setup_at(moment: datetime, rng: Random) -> Setup:
            name = "".join(rng.choice("aeioulmnrst") for _ in range(6)).title()
            return replace(switch(moment, rng), prompt=f"You help {name}. Answer from the manual.")

        return Story(error, Truth("tools", label), play(rng, setup_at, _after(hour, rate), error))

    return Incident("tools with names in the prompt", "per run", make)


def release(
    guilty: str, *carried: str, error: Outcome | None = None, rate: float = 0.8, delay: float = 0.0, count: int = 110,
    background: float = 0.0,
) -> Incident:  # fmt: skip
    """A release changes several things at one moment, one of which breaks; perhaps only after a while."""
    fields, usual, label = CHANGES[guilty]
    failure = error or usual
    every = {name: value for dimension in (guilty, *carried) for name, value in CHANGES[dimension][0].items()}

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        chance = when(lambda m, _: m >= at(hour + delay), rate, background)
        runs = play(rng, switching(Setup(), (hour, every)), chance, failure, count=count)
        return Story(failure, Truth(guilty, label), runs)

    words = [f"with {' and '.join(carried)}" if carried else "", f"{delay * 60:.0f} min later" if delay else ""]
    words += [f"fails {failure.at}", f"{count} runs", f"{rate:.0%}"]
    return Incident(f"{guilty} {' '.join(filter(None, words))}", "hard", make)


def as_hard(incident: Incident) -> Incident:
    return Incident(f"{incident.name} (hard)", "hard", incident.make)


def untold_beside(gap: float) -> Incident:
    """The change that breaks is not told, and a harmless one that is came shortly before."""

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        changes = ((hour - gap, {"service_version": "1.4.1"}), (hour, {"prompt": POET}))
        runs = play(rng, switching(Setup(convention="silent"), *changes), _after(hour, 0.7), NOT_PARSED)
        return Story(NOT_PARSED, Truth(), runs, unknown=("prompt",))

    return Incident(f"prompt untold, a version {gap * 60:.0f} min before", "hard", make)


def two_events(gap: float) -> Incident:
    """Two people change two things within minutes."""

    def make(rng: Random) -> Story:
        hour = rng.uniform(5, 8)
        runs = play(rng, switching(Setup(convention="silent")), _after(hour, 0.8), NOT_PARSED)
        events = [
            LoggedEvent(at(hour - gap), "agentflow.saved", {"changed": ["description"]}),
            LoggedEvent(at(hour), "agent.changed", {"changed": ["system_prompt"]}),
        ]
        return Story(NOT_PARSED, Truth("agent", ""), runs, events)

    return Incident(f"two events {gap * 60:.0f} min apart", "hard", make)


def _after(hour: float, rate: float) -> Chance:
    return when(lambda moment, _: moment >= at(hour), rate)


INCIDENTS = [
    *(changed("model", rate, convention) for rate, convention in zip((1.0, 0.6, 0.3, 0.9), CONVENTIONS, strict=True)),
    changed("model_answered", 0.5), changed("model_answered", 0.9, "traceloop"),
    changed("model_settings", 0.8), changed("model_settings", 0.3, "openinference"),
    changed("provider", 0.9), changed("provider", 0.5, "vercel"),
    *(changed("prompt", rate, convention) for rate, convention in zip((0.3, 0.9, 0.5, 1.0), CONVENTIONS, strict=True)),
    changed("tools", 0.7), changed("tools", 0.2, "openinference"), changed("tools", 1.0, "traceloop"),
    changed("tools", 0.5, "vercel"),
    changed("agent", 0.8), changed("agent", 0.3),
    changed("service_version", 1.0), changed("service_version", 0.25, "plain"),
    changed("service_version", 0.6, "silent"),
    changed("flow_version", 0.7), changed("flow_version", 0.35),
    changed("plugin", 0.9, "mcp"), changed("plugin", 0.4),
    changed("library", 0.8), changed("library", 0.3, "plain"), changed("library", 0.6, "vercel"),
    two_changes("prompt", INNOCENT, 2.0), two_changes("model", INNOCENT, 1.0, rate=0.5),
    two_changes("service_version", {"prompt": POET}, 1.5),
    two_changes("tools", {"model": "gpt-4.1-mini", "answered": None}, -1.5),
    two_changes("model", {"prompt": POET}, 0.0, share=0.5),
    two_changes("prompt", {"library_version": "2.69.0"}, 0.0, share=0.6),
    two_changes("tools", INNOCENT, 0.0, rate=0.9), two_changes("model", INNOCENT, 0.0),
    two_changes("service_version", {"temperature": 0.3}, 0.0, share=0.4, rate=0.5),
    rollout("service_version", 0.1, 0.9), rollout("prompt", 0.3, 0.6), rollout("model", 0.5, 0.4, innocent=True),
    rollout("tools", 0.2, 0.8, "openinference"), rollout("service_version", 0.3, 0.3, innocent=True),
    rolled_back("service_version", 0.8), rolled_back("prompt", 0.5), rolled_back("model", 0.9), back_to_bad(0.7),
    outage(), outage(deployed=1.5), outage(0.5, deployed=3.0), outage(ends=1.0, deployed=1.0), outage(falls_back=True),
    outage(0.7, convention="openinference", deployed=2.0, flows=3),
    noise(0.02), noise(0.03, (5, INNOCENT)), noise(0.05, (3, INNOCENT), (7, {"prompt": POET})),
    noise(0.04, (4, {"model": "gpt-4.1-mini"}), share=0.3), noise(0.01, (9, INNOCENT), count=250),
    noise(0.1, (2, {"tools": REFUND2}), (8, INNOCENT)),
    started_by_itself(0.8), started_by_itself(0.6, (4, INNOCENT)), started_by_itself(0.9, (6.5, {"prompt": POET})),
    by_event("agent.changed", 0.9), by_event("agentflow.saved", 0.5, innocent={"service_version": "1.4.1"}),
    by_event("tool.changed", 0.8, beside="agent.changed"), by_event("agent.changed", 0.35, beside="agentflow.saved"),
    untold("prompt", 0.8, "silent"), untold("tools", 0.9, "plain"), untold("prompt", 0.5, "plain"),
    changed("model", 0.5, background=0.03), changed("prompt", 0.4, background=0.05),
    changed("service_version", 0.3, background=0.02), changed("tools", 0.6, "openinference", background=0.04),
    per_run_prompt(0.7, "otel"), per_run_prompt(0.5, "openinference"), names_in_prompt(0.8),
]  # fmt: skip

# Written after the ranking, when the others had turned out too clean, and never tuned on: releases that carry several
# changes at one moment, effects that come late, outages minutes after a release, few runs and low
# rates. What a person could not tell from these either is among them.
LATE_BUG = Outcome("late", "KeyError", "'customer'")
HARD = [
    release("prompt", "service_version", "library"), release("service_version", "prompt", "library"),
    release("service_version", "prompt", error=LATE_BUG), release("model_settings", "model", "service_version"),
    release("library", "service_version", error=LATE_BUG), release("tools", "prompt", "service_version", rate=0.4),
    release("model", "prompt", "tools", rate=0.3),
    release("prompt", delay=0.33, rate=0.6), release("tools", delay=0.17),
    release("service_version", delay=0.5, rate=0.3),
    release("model", count=30), release("prompt", count=300, rate=0.07, background=0.01),
    release("service_version", rate=0.15), as_hard(rollout("prompt", 0.05, 1.0)), two_events(0.3), two_events(0.1),
    as_hard(outage(deployed=0.1)), as_hard(outage(0.5, deployed=0.33)), as_hard(outage(0.7, deployed=0.5, ends=0.7)),
    as_hard(started_by_itself(0.3, (7.75, {"prompt": POET}))),
    as_hard(noise(0.08, (4, INNOCENT), (8, {"prompt": POET}))),
    untold_beside(0.25), untold_beside(1.0),
]  # fmt: skip
