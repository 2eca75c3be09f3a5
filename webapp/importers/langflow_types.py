"""What is known of Langflow's components: the block they become, and which connections lend something.

Langflow connects an output with a field when a type of the one is accepted by the other (``isValidConnection`` in its
frontend's reactflowUtils.ts). So the types say what passes: an object that is handed over to be used, such as a
language model, is attached; text and data are the order of work. Before 1.0 all connections built objects, of
LangChain's base classes. A field's name counts only where types are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from webapp.domain.flow_graph import OUT, BlockType
from webapp.importers import bounds

NOTES = ("noteNode",)
OWN_CODE = ("CustomComponent", "PythonFunction", "PythonFunctionTool")
"""Components that are nothing without the Python code that an import leaves behind."""


def _names(*lines: str) -> frozenset[str]:
    return frozenset(name for line in lines for name in line.split())


def _by_word(**words: str) -> dict[str, str]:
    return {word: slot for slot, line in words.items() for word in line.split()}


_TYPE_SLOTS = _by_word(
    model="LanguageModel BaseLanguageModel BaseLLM BaseChatModel LLM BaseOpenAI",
    embedding="Embeddings",
    memory="Memory BaseMemory BaseChatMemory BaseChatMessageHistory",
    retriever="Retriever BaseRetriever VectorStore VectorStoreRetriever VectorStoreInfo",
    tool="Tool BaseTool StructuredTool Toolkit BaseToolkit",
    parser="OutputParser BaseOutputParser BaseLLMOutputParser",
    other="Agent AgentExecutor BaseSingleActionAgent Chain LLMChain function Callable TextSplitter BaseLoader",
)
_PASSED = _names(
    "Message Text str Data Record DataFrame JSON Table Document BasePromptTemplate PromptTemplate ChatPromptTemplate"
)
_FIELD_SLOTS = _by_word(
    model="llm model language_model agent_llm",
    embedding="embedding embeddings embedding_model",
    memory="memory",
    retriever="retriever vectorstore vector_store vectorstoreinfo",
    tool="tools allowed_tools toolkits",
    parser="output_parser",
)
_SYSTEM_FIELDS = ("system_message", "system_prompt")
_MEMORIES = ("Memory", "MemoryComponent", "ChatMemory")
_TRIGGERS = ("ChatInput", "Webhook", "WebhookComponent")
_INPUTS = ("TextInput", "TextInputComponent")
_CONDITIONS = ("ConditionalRouter", "DataConditionalRouter", "SmartRouter", "LLMConditionalRouter", "SubFlowRouter")
_LOOPS = ("LoopComponent", "Loop")
_TRANSFORMS = _names(
    "Prompt PromptComponent parser MessagetoData MessageToData DataToMessage JSONCleaner StructuredOutput",
    "StructuredOutputComponent DataOperations DataFrameOperations TextOperations CombineText CombinedText MergeData",
    "MergeDataComponent DataCombiner FilterData FilterDataValues ExtractDataKey CreateData UpdateData SelectData",
    "LambdaFilter RegexExtractorComponent AlterMetadata CSVtoData JSONtoData SplitText",
)


def slot_of(offered: Collection[str], accepted: Sequence[str], field: str) -> str:
    """Where a connection attaches its source, or an empty text for one in the order of work."""
    common = [kind for kind in accepted if kind in offered] or list(accepted) or list(offered)
    if any(kind in _PASSED for kind in common):
        return ""
    for kind in common:
        if kind in _TYPE_SLOTS:
            return _TYPE_SLOTS[kind]
    return _FIELD_SLOTS.get(field, "")


def lent_slot_of(kind: str, field: str) -> str:
    """Where a component that nothing enters is attached although text passes, or an empty text.

    Langflow runs whatever has no input. A system prompt that is the same each time, and the messages that a prompt
    remembers, are no steps that follow from a trigger: they are lent to what uses them.
    """
    if kind in _MEMORIES:
        return "memory"
    return "other" if field in _SYSTEM_FIELDS and kind not in (*_TRIGGERS, *_INPUTS) else ""


def block_type_of(
    kind: str, made: Collection[str], outputs: Sequence[Mapping[str, Any]], *, is_entered: bool
) -> BlockType:
    """The block of a component that takes part in the order of work. ``made`` are the types that it gives out."""
    if kind in _TRIGGERS or (kind in _INPUTS and not is_entered):
        return BlockType.TRIGGER
    if kind in _LOOPS or any(output.get("allows_loop") is True for output in outputs):
        return BlockType.LOOP
    if kind in _CONDITIONS or kind.startswith(("Guardrail", "GuardRail")):
        return BlockType.CONDITION
    if kind in _TRANSFORMS or "BasePromptTemplate" in made or kind.startswith(("Parse", "TypeConvert")):
        return BlockType.TRANSFORM
    if kind.endswith(("TextSplitter", "OutputParser")):
        return BlockType.TRANSFORM
    if is_agent(kind) or is_model(kind, made):
        return BlockType.AGENT
    return BlockType.ACTION


def is_agent(kind: str) -> bool:
    """Whether a component decides by itself; it stays an agent when another one uses it as a tool."""
    return kind.endswith(("Agent", "AgentComponent", "Chain", "Crew", "CrewComponent"))


def is_model(kind: str, made: Collection[str]) -> bool:
    """Whether a component calls a language model."""
    if "Embedding" in kind:
        return False
    return (
        kind.endswith("Model")
        or kind == "LanguageModelComponent"
        or "LanguageModel" in made
        or "BaseLanguageModel" in made
    )


def handle_of(block_type: BlockType, output: str, words: str) -> tuple[str, str]:
    """Our handle of an output by its name, and the words beside it. Only ways that exclude each other get one."""
    label = words or output
    if block_type == BlockType.LOOP:
        return {"item": ("body", label), "done": ("done", label)}.get(output, (OUT, ""))
    if block_type != BlockType.CONDITION or not output:
        return OUT, ""
    if output.startswith(("true", "false")):
        return output.partition("_")[0], label
    if output in ("default_result", "else_result"):
        return "else", label
    return f"case:{output}", label


def texts(value: Any) -> Iterator[str]:
    """The texts of a list, or of a text in which types are joined by semicolons."""
    for one in value if isinstance(value, list) else bounds.text(value, 2_000).split(";"):
        if isinstance(one, str) and one:
            yield one
