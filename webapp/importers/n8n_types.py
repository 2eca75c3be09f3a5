"""What is known of n8n's node types: the block they become and the meaning of each main output.

Sources: n8n's own node descriptions (``outputs``, ``outputNames``, ``configuredOutputs``) in packages/nodes-base and
packages/@n8n/nodes-langchain. A type that is not listed here has one main output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from webapp.domain.flow_graph import OUT, BlockType
from webapp.importers import bounds

OWN_PACKAGES = ("n8n-nodes-base", "@n8n/n8n-nodes-langchain", "n8n-nodes-langchain")
NOTE = "stickyNote"
SUB_FLOWS = ("executeWorkflow", "toolWorkflow", "retrieverWorkflow")

SLOTS = {
    "ai_languageModel": "model",
    "ai_tool": "tool",
    "ai_memory": "memory",
    "ai_retriever": "retriever",
    "ai_vectorStore": "retriever",
    "ai_outputParser": "parser",
    "ai_embedding": "embedding",
    "ai_document": "document",
    "ai_textSplitter": "other",
    "ai_reranker": "other",
    "ai_agent": "other",
    "ai_chain": "other",
}
"""Kinds of connections that lend a helper to another node, and where it is attached there. An unlisted ``ai_`` kind is
attached as ``other``."""


def _names(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


_TRIGGERS = _names("webhook cron interval start emailReadImap")
_AGENTS = _names(
    "agent agentTool chainLlm chainRetrievalQa chainSummarization informationExtractor openAiAssistant",
    "openAi anthropic googleGemini ollama",
)
_VENDORS = _names("openAi anthropic googleGemini ollama")
_ANSWERED = ("", "text", "chat", "conversation", "assistant")
_CONDITIONS = _names("if switch filter textClassifier sentimentAnalysis compareDatasets guardrails")
_TRANSFORMS = _names(
    "set code function functionItem merge aggregate splitOut itemLists html htmlExtract markdown dateTime",
    "convertToFile extractFromFile sort limit removeDuplicates summarize renameKeys xml crypto moveBinaryData",
    "spreadsheetFile compression editImage readPDF aiTransform",
)
_COMPARED = (("a_only", "In A only"), ("same", "Same"), ("different", "Different"), ("b_only", "In B only"))
_MOST_OUTPUTS = 100


class Output(NamedTuple):
    """One main output of a node: our handle and the words beside it."""

    handle: str
    label: str = ""


def split_type(kind: str) -> tuple[str, str]:
    """Package and name of ``@n8n/n8n-nodes-langchain.agent``."""
    package, _, name = kind.rpartition(".")
    return package, name or kind


def block_type_of(name: str, resource: str, *, is_helper: bool) -> BlockType:
    """The block that a node of this type name becomes. A helper lends itself to another node and takes no step, so it
    is an action, but an agent stays an agent even when another one calls it as a tool. A vendor's node with another
    ``resource`` than text, such as audio, asks no model to answer."""
    if name == "agentTool" or (name == "agent" and is_helper):
        return BlockType.AGENT
    if is_helper:
        return BlockType.ACTION
    if name in _TRIGGERS or name.endswith("Trigger"):
        return BlockType.TRIGGER
    if name == "splitInBatches":
        return BlockType.LOOP
    if name in _CONDITIONS:
        return BlockType.CONDITION
    if name in _VENDORS and resource not in _ANSWERED:
        return BlockType.ACTION
    if name in _AGENTS or name.startswith(("lmChat", "lmOpenAi", "lmOllama", "lmCohere")):
        return BlockType.AGENT
    if name in _TRANSFORMS or name.startswith(("outputParser", "textSplitter")):
        return BlockType.TRANSFORM
    return BlockType.ACTION


def outputs_of(name: str, version: float, parameters: Mapping[str, Any]) -> list[Output]:
    """The main outputs of a node in the order of their indexes, without the one for errors."""
    if name == "if":
        return [Output("true", "True"), Output("false", "False")]
    if name == "filter":
        return [Output("true", "Kept")]
    if name == "guardrails":
        return [Output("true", "Pass"), Output("false", "Fail")]
    if name == "compareDatasets":
        return [Output(f"case:{key}", label) for key, label in _COMPARED]
    if name == "splitInBatches":
        return _batches(version)
    if name == "switch":
        return _switch(version, parameters)
    if name == "textClassifier":
        options = bounds.mapping(parameters.get("options"))
        rows = bounds.rows(bounds.mapping(parameters.get("categories")).get("categories"))
        cases = _cases([bounds.text(row.get("category")) for row in rows])
        return [*cases, Output("else", "Other")] if options.get("fallback") == "other" else cases
    if name == "sentimentAnalysis":
        said = bounds.text(bounds.mapping(parameters.get("options")).get("categories"), 2_000)
        return _cases([word.strip() for word in (said or "Positive, Neutral, Negative").split(",")])
    return [Output(OUT)]


def _batches(version: float) -> list[Output]:
    """Version 1 has one output, versions 2 and 3 have two, in opposite order."""
    body, done = Output("body", "Loop"), Output("done", "Done")
    if version < 2:
        return [body]
    return [body, done] if version < 3 else [done, body]


def _switch(version: float, parameters: Mapping[str, Any]) -> list[Output]:
    rules = bounds.mapping(parameters.get("rules"))
    options = bounds.mapping(parameters.get("options"))
    if parameters.get("mode") == "expression":
        count = parameters.get("numberOutputs", parameters.get("outputsAmount", 4))
        is_count = isinstance(count, int) and not isinstance(count, bool)
        return _cases([""] * (min(max(count, 1), _MOST_OUTPUTS) if is_count else 4))
    if version < 2:
        return _numbered(bounds.rows(rules.get("rules")))
    rows = bounds.rows(rules.get("values")) or bounds.rows(rules.get("rules"))
    cases = _cases([bounds.text(row.get("outputKey")) for row in rows])
    if options.get("fallbackOutput") in ("extra", "last"):
        cases.append(Output("else", bounds.text(options.get("renameFallbackOutput")) or "Fallback"))
    return cases


def _numbered(rows: list[dict[str, Any]]) -> list[Output]:
    """The four outputs of the first version, whose rules say to which one they send."""
    words = [""] * 4
    for row in rows:
        at = row.get("output", 0)
        if isinstance(at, int) and 0 <= at < len(words):
            words[at] = words[at] or bounds.text(row.get("value2"))
    return _cases(words)


def _cases(words: list[str]) -> list[Output]:
    """Outputs that are named by their words, by their index where they have none or share it."""
    found: list[Output] = []
    taken: set[str] = set()
    for at, word in enumerate(words[:_MOST_OUTPUTS]):
        key = word if word and word not in taken else str(at)
        taken.add(key)
        found.append(Output(f"case:{key}", word or str(at)))
    return found
