"""The flows of the demo organization: who runs them, with which agents, models and tools, when, and how often."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

GPT4O, MINI, GPT41 = ("gpt-4o", "openai"), ("gpt-4o-mini", "openai"), ("gpt-4.1", "openai")
SONNET, HAIKU = ("claude-sonnet-4-5", "anthropic"), ("claude-haiku-4-5", "anthropic")
FLASH, EMBED = ("gemini-2.5-flash", "google"), ("text-embedding-3-small", "openai")
OWN = ("hanbit-7b-instruct", "hanbit")
"""A model that no price list knows, so that its cost stays unknown."""
LONG_NAME = (
    "Quarterly supplier risk assessment with sanctions screening, adverse media, financial ratios and a written opinion"
    " for the procurement committee (EMEA and APAC, second line of defence)"
)


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """One agent: ``calls`` model calls at least and at most, with its tools called in between."""

    name: str
    model: tuple[str, str]
    tools: tuple[str, ...] = ()
    calls: tuple[int, int] = (1, 2)
    retrieves: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One flow. ``share`` is its part of all executions, ``seconds`` the typical length of a model call."""

    name: str
    service: str
    subject: str
    agents: tuple[AgentPlan, ...]
    share: float
    rhythm: str = "office"
    trigger: str = "api"
    has_sessions: bool = False
    streams: bool = False
    tells_tokens: bool = True
    is_parallel: bool = False
    seconds: float = 1.6
    staging_share: float = 0.06


SUPPORT_TOOLS = ("search_orders", "lookup_customer")
PLANS = (
    Plan(
        "support-triage",
        "support-api",
        "support",
        (AgentPlan("router", MINI), AgentPlan("resolver", GPT4O, SUPPORT_TOOLS, (2, 3))),
        0.22,
        rhythm="always",
        has_sessions=True,
        streams=True,
        seconds=1.1,
    ),
    Plan(
        "refund-decision",
        "support-api",
        "refund",
        (
            AgentPlan("policy-checker", HAIKU, ("search_policy",)),
            AgentPlan("decider", SONNET, ("lookup_order", "issue_refund"), (3, 3)),
        ),
        0.1,
        rhythm="always",
        has_sessions=True,
    ),
    Plan(
        "invoice-extract",
        "billing-agents",
        "invoice",
        (AgentPlan("extractor", HAIKU, ("read_pdf",)), AgentPlan("verifier", MINI, ("match_purchase_order",))),
        0.13,
        trigger="event",
        seconds=2.2,
    ),
    Plan(
        "contract-review",
        "legal-agents",
        "contract",
        (
            AgentPlan("reader", SONNET, ("read_pdf",), (2, 4)),
            AgentPlan("critic", GPT41),
            AgentPlan("writer", SONNET),
        ),
        0.04,
        trigger="manual",
        seconds=7.5,
    ),
    Plan(
        "kb-answer",
        "docs-assistant",
        "knowledge",
        (AgentPlan("answerer", MINI, (), (1, 1), retrieves=True),),
        0.16,
        rhythm="always",
        has_sessions=True,
        streams=True,
        seconds=1.3,
    ),
    Plan(
        "code-review",
        "dev-tools",
        "code",
        (
            AgentPlan("planner", GPT41, ("get_diff",)),
            AgentPlan("reviewer", SONNET, ("read_file",), (2, 4)),
            AgentPlan("security-reviewer", SONNET, ("read_file", "search_advisories"), (1, 2)),
            AgentPlan("summarizer", MINI),
        ),
        0.06,
        trigger="webhook",
        is_parallel=True,
        seconds=4.2,
        staging_share=0.2,
    ),
    Plan(
        "lead-enrich",
        "growth-workers",
        "lead",
        (AgentPlan("researcher", FLASH, ("web_search", "http_get"), (2, 4)), AgentPlan("scorer", MINI)),
        0.06,
        rhythm="hourly",
        trigger="schedule",
    ),
    Plan(
        "fraud-screen",
        "risk-scoring",
        "fraud",
        (AgentPlan("screener", OWN, ("account_history",), (1, 2)),),
        0.08,
        rhythm="always",
        trigger="event",
        seconds=0.5,
    ),
    Plan(
        "meeting-brief",
        "assistant",
        "meeting",
        (AgentPlan("briefer", GPT4O, ("calendar", "search_mail"), (2, 2)),),
        0.04,
        tells_tokens=False,
        staging_share=0.5,
    ),
    Plan(
        "고객 상담 요약",
        "support-kr",
        "counsel",
        (AgentPlan("요약 담당", MINI, ("고객정보 조회",), (1, 2)),),
        0.06,
        has_sessions=True,
    ),
    Plan(
        "상품 설명 생성",
        "commerce-kr",
        "product",
        (AgentPlan("작성자", OWN, ("상품 조회",)), AgentPlan("검수자", HAIKU)),
        0.03,
        trigger="manual",
        seconds=2.8,
    ),
    Plan(
        "야간 재고 보충 제안",
        "commerce-kr",
        "stock",
        (AgentPlan("재고 분석가", FLASH, ("재고 현황", "판매 예측"), (2, 3)),),
        0.015,
        rhythm="night",
        trigger="schedule",
        seconds=3.4,
    ),
    Plan(
        LONG_NAME,
        "procurement",
        "supplier",
        (
            AgentPlan("screening-analyst", GPT4O, ("sanctions_lookup", "web_search"), (2, 3)),
            AgentPlan("financial-analyst", GPT41, ("balance_sheet",)),
            AgentPlan("opinion-writer", SONNET),
        ),
        0.005,
        trigger="manual",
        seconds=9.0,
    ),
)

TEAMS = {
    "emea": "emea", "apac": "apac", "latam": "latam", "nordics": "nordics", "서울 지점": "seoul", "부산 지점": "busan",
    "labs": "labs", "partner-portal": "partner-portal", "mobile": "mobile", "backoffice": "backoffice",
}  # fmt: skip
"""Teams that run variations of the catalogue, and their services."""
TASKS = {
    "support": ("inbox-triage", "escalation-router", "csat-summary", "문의 분류"),
    "invoice": ("receipt-reader", "credit-note-check", "세금계산서 확인"),
    "knowledge": ("faq-answer", "runbook-search", "onboarding-helper", "사내 규정 검색"),
    "lead": ("account-research", "event-follow-up", "churn-signals"),
    "code": ("test-writer", "changelog-draft", "dependency-triage"),
    "meeting": ("standup-notes", "board-pack", "회의록 정리"),
    "fraud": ("login-anomaly", "chargeback-screen"),
}


def make_plans(number: int, seed: int) -> tuple[Plan, ...]:
    """``number`` flows: the catalogue first, then variations of it under other teams' names, each one rarer."""
    if number <= len(PLANS):
        return PLANS[:number]
    rng = random.Random(f"{seed}:plans")
    by_subject = {plan.subject: plan for plan in PLANS}
    names = [(subject, team, task) for subject, tasks in TASKS.items() for team in TEAMS for task in tasks]
    rng.shuffle(names)
    made = []
    for place in range(number - len(PLANS)):
        subject, team, task = names[place % len(names)]
        generation = place // len(names)
        made.append(
            replace(
                by_subject[subject],
                name=f"{team} {task} v{generation + 1}" if generation else f"{team} {task}",
                service=TEAMS[team],
                share=0.08 / (place + 4),
                staging_share=rng.choice((0.0, 0.05, 0.3)),
                has_sessions=False,
            )
        )
    return (*PLANS, *made)
