"""The drawings of the demo organization: an observed flow in two versions, an import with open ends, a template, a
draft that cannot run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from webapp.domain.flow_graph import BlockType, CredentialSlot, EdgeKind, FlowGraph, GraphBlock, GraphEdge, GraphNote

AGENT, TRIGGER, ACTION = BlockType.AGENT, BlockType.TRIGGER, BlockType.ACTION
CONDITION, LOOP, TRANSFORM = BlockType.CONDITION, BlockType.LOOP, BlockType.TRANSFORM


def _block(key: str, block_type: str, name: str, description: str = "", **values: Any) -> GraphBlock:
    config = values.pop("config", {})
    return GraphBlock(key=key, block_type=block_type, name=name, description=description, config=config, **values)


def _chain(*keys: str) -> tuple[GraphEdge, ...]:
    return tuple(GraphEdge(*pair) for pair in zip(keys, keys[1:], strict=False))


def _way(source: str, handle: str, target: str, label: str = "") -> GraphEdge:
    return GraphEdge(source, target, source_handle=handle, label=label)


def _attached(source: str, target: str, slot: str) -> GraphEdge:
    return GraphEdge(source, target, target_handle=f"attach:{slot}", kind=EdgeKind.ATTACH)


SUPPORT_FIRST = FlowGraph(
    name="support-triage",
    description="Sorts what customers write and answers what can be answered from their orders.",
    pattern="Sequential",
    blocks=(
        _block("message", TRIGGER, "Customer writes", config={"kind": "webhook"}),
        _block(
            "router", AGENT, "router", "Tells questions about orders from all others.", config={"model": "gpt-4o-mini"}
        ),
        _block("resolver", AGENT, "resolver", "Answers from the customer's orders.", config={"model": "gpt-4o"}),
        _block("orders", ACTION, "search_orders", "Orders of the customer, newest first."),
        _block("customer", ACTION, "lookup_customer", "Name, language and plan."),
        _block("reply", ACTION, "Send reply"),
    ),
    edges=(
        *_chain("message", "router", "resolver", "reply"),
        _attached("orders", "resolver", "tool"),
        _attached("customer", "resolver", "tool"),
    ),
)
SUPPORT_SECOND = replace(
    SUPPORT_FIRST,
    pattern="DynamicRouting",
    blocks=(
        *(
            replace(block, config={"model": "gpt-4o", "temperature": 0.2}) if block.key == "resolver" else block
            for block in SUPPORT_FIRST.blocks
        ),
        _block("kind", CONDITION, "What is it about?", config={"cases": ["order", "person"]}),
        _block("handover", AGENT, "handover-writer", "Sums up for a colleague.", config={"model": "gpt-4o-mini"}),
        _block("ticket", ACTION, "Open a ticket"),
    ),
    edges=(
        *_chain("message", "router", "kind"),
        _way("kind", "case:order", "resolver", "an order"),
        _way("kind", "case:person", "handover", "a person is needed"),
        *_chain("resolver", "reply"),
        *_chain("handover", "ticket"),
        *SUPPORT_FIRST.edges[-2:],
    ),
    notes=(GraphNote("why", "Since 14 November complaints go to a person and are not answered by a model."),),
)
REFUND = FlowGraph(
    name="refund-decision",
    description="Checks the policy, decides on a refund and carries it out.",
    pattern="Sequential",
    blocks=(
        _block("request", TRIGGER, "Refund asked for", config={"kind": "event", "event": "refund.requested"}),
        _block("policy", AGENT, "policy-checker", config={"model": "claude-haiku-4-5"}),
        _block("search", ACTION, "search_policy"),
        _block("decide", AGENT, "decider", config={"model": "claude-sonnet-4-5"}),
        _block("order", ACTION, "lookup_order"),
        _block("refund", ACTION, "issue_refund", "Refunds up to 200 EUR without a person."),
    ),
    edges=(
        *_chain("request", "policy", "decide"),
        _attached("search", "policy", "tool"),
        _attached("order", "decide", "tool"),
        _attached("refund", "decide", "tool"),
    ),
)
CLAUSES = FlowGraph(
    name="Clause finder",
    description="Finds clauses that differ from our template and asks a lawyer about the risky ones.",
    pattern="Reflection",
    tags=("contracts",),
    blocks=(
        _block("start", TRIGGER, "Start", config={"kind": "manual"}, source_id="1718", source_type="start"),
        _block("extract", ACTION, "Document extractor", source_id="1719", source_type="document-extractor"),
        _block(
            "search", ACTION, "Knowledge retrieval", source_id="1720", source_type="knowledge-retrieval",
            credentials=(CredentialSlot("knowledge_base", "Contract templates"),),
        ),
        _block(
            "compare", AGENT, "Compare clauses", source_id="1721", source_type="llm", config={"model": "gpt-4.1"},
            credentials=(CredentialSlot("provider", "openai", is_filled=True),),
        ),
        _block("each", LOOP, "Each clause", config={"max_iterations": 40}, source_id="1722", source_type="iteration"),
        _block("judge", AGENT, "Judge risk", parent_key="each", config={"model": "gpt-4o-mini"}, source_type="llm"),
        _block("mail", ACTION, "Outlook: send mail", needs_review=True, source_id="1724", source_type="tool"),
        _block("answer", TRANSFORM, "Answer", source_id="1725", source_type="answer"),
    ),
    edges=(*_chain("start", "extract", "search", "compare", "each", "mail", "answer"),),
)  # fmt: skip
TEMPLATE = FlowGraph(
    name="Router with two specialists",
    description="A small model chooses who answers. Copy it and put your own specialists in.",
    pattern="DynamicRouting",
    tags=("starter",),
    blocks=(
        _block("start", TRIGGER, "Request", config={"kind": "webhook"}),
        _block("router", AGENT, "Router", config={"model": "gpt-4o-mini"}),
        _block("route", CONDITION, "Who answers?", config={"cases": ["first", "second"]}),
        _block("first", AGENT, "First specialist", config={"model": "gpt-4o"}),
        _block("second", AGENT, "Second specialist", config={"model": "gpt-4o"}),
        _block("answer", TRANSFORM, "Answer"),
    ),
    edges=(
        *_chain("start", "router", "route"),
        _way("route", "case:first", "first"),
        _way("route", "case:second", "second"),
        *_chain("first", "answer"),
        *_chain("second", "answer"),
    ),
)
REVIEW = FlowGraph(
    name="Weekly price review",
    description="Compares prices with three shops every Monday. Not finished: nobody wrote the alarm yet.",
    pattern="Adaptive",
    tags=("pricing", "draft"),
    blocks=(
        _block("monday", TRIGGER, "Every Monday", config={"kind": "schedule"}),
        _block("collect", ACTION, "Collect prices"),
        _block("compare", AGENT, "Price analyst"),
        _block("moved", CONDITION, "Moved by more than 5 %?"),
        _block("report", TRANSFORM, "Write report"),
        _block("alarm", "pager", "Alarm the buyer"),
    ),
    edges=(
        *_chain("monday", "collect", "compare", "moved"),
        _way("moved", "false", "report"),
    ),
)
