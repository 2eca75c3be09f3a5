"""What the API answers about an imported flow, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webapp.api.shapes import TEXT, UUID_TEXT, WHOLE, Field, Shape, ref
from webapp.importers import ImportedFlow
from webapp.importers.imported import EDGE_RESULTS, MADE, NODE_RESULTS


@dataclass(frozen=True, slots=True)
class ImportAnswer:
    """One flow of a file as it was imported. ``same_as`` are flows that came from the same export before."""

    report_id: UUID
    flow_id: UUID
    version: int
    flow: ImportedFlow
    same_as: tuple[UUID, ...]
    others: tuple[ImportAnswer, ...] = ()


def _count(name: str, subject: str, result: str, description: str) -> Field:
    return Field(name, WHOLE, description, lambda answer: answer.flow.count(subject, result))


ITEM = Shape(
    "ImportItem",
    "What became of one node or edge of the file.",
    (
        Field("subject", {"type": "string", "enum": ["node", "edge"]}, "What it was.", lambda item: item.subject),
        Field("source", TEXT, "Its id in the file; an edge is named by both ends.", lambda item: item.source),
        Field("source_type", TEXT, "What the file calls it.", lambda item: item.source_type),
        Field(
            "result",
            {"type": "string", "enum": [*NODE_RESULTS, *EDGE_RESULTS, MADE]},
            "What became of it. made: something that the file says in other words, counted in none of the sums.",
            lambda item: item.result,
        ),
        Field(
            "target",
            TEXT,
            "The key of the block or note, or both ends of the edge.",
            lambda item: item.target_key,
            True,
        ),
        Field("reason", TEXT, "Why, where it is not plain.", lambda item: item.reason),
    ),
)
SECRET = Shape(
    "RemovedSecret",
    "Where a secret was cut out; it is stored nowhere.",
    (
        Field("place", TEXT, "The path to it in the file.", lambda secret: secret.place),
        Field("kind", TEXT, "What sort of secret it was.", lambda secret: secret.kind),
    ),
)
NEED = Shape(
    "ImportRequirement",
    "What the flow needs and the file does not bring.",
    (
        Field("kind", TEXT, "plugin, credential, model, knowledge_base, flow or variable.", lambda need: need.kind),
        Field("name", TEXT, "Its name.", lambda need: need.name),
        Field("detail", TEXT, "More about it.", lambda need: need.detail),
    ),
)


def _items(answer: ImportAnswer) -> list[dict]:
    return [ITEM.render(item) for item in answer.flow.items]


def _secrets(answer: ImportAnswer) -> list[dict]:
    return [SECRET.render(secret) for secret in answer.flow.secrets]


def _needs(answer: ImportAnswer) -> list[dict]:
    return [NEED.render(need) for need in answer.flow.requirements]


REPORT = Shape(
    "ImportReport",
    "What became of one flow of the file. Nodes seen are blocks, notes, markers and unfolded groups together; edges"
    " seen are edges, merged and refused ones together.",
    (
        Field("report_id", UUID_TEXT, "The report, kept on the page of imports.", lambda answer: str(answer.report_id)),
        Field("flow_id", UUID_TEXT, "The flow that it became.", lambda answer: str(answer.flow_id)),
        Field("version", WHOLE, "The version of that flow.", lambda answer: answer.version),
        Field("name", TEXT, "The name of the flow in the file.", lambda answer: answer.flow.graph.name),
        Field("format", TEXT, "dify, flowise, langflow, n8n or agenticbuilder.", lambda answer: answer.flow.format),
        Field("format_version", TEXT, "As the file says it.", lambda answer: answer.flow.format_version),
        Field("nodes_seen", WHOLE, "Nodes in the file.", lambda answer: answer.flow.nodes_seen),
        Field("edges_seen", WHOLE, "Edges in the file.", lambda answer: answer.flow.edges_seen),
        _count("blocks", "node", "block", "Nodes that became blocks."),
        _count("notes", "node", "note", "Nodes that became notes."),
        _count("markers", "node", "marker", "Nodes that only marked where a loop begins or ends."),
        _count("unfolded", "node", "unfolded", "Groups whose inner nodes were taken one by one."),
        _count("edges", "edge", "imported", "Edges that were imported."),
        _count("edges_merged", "edge", "merged", "Edges that were equal to another one."),
        _count("edges_refused", "edge", "refused", "Edges that could not be kept; the item says why."),
        Field(
            "items", {"type": "array", "items": ref("ImportItem")}, "Every node and edge, in the file's order.", _items
        ),
        Field("secrets_removed", WHOLE, "How many secrets were cut out.", lambda answer: len(answer.flow.secrets)),
        Field("secrets", {"type": "array", "items": ref("RemovedSecret")}, "Where they were.", _secrets),
        Field("requirements", {"type": "array", "items": ref("ImportRequirement")}, "What is still needed.", _needs),
        Field(
            "same_as",
            {"type": "array", "items": UUID_TEXT},
            "Flows that came from the same export before: send one as flow_id to import the file as its next version.",
            lambda answer: [str(id_) for id_ in answer.same_as],
        ),
    ),
)
ANSWER = Shape(
    "ImportAnswer",
    "What became of the file: the report of its first flow, and those of the others.",
    (
        *REPORT.fields,
        Field(
            "others",
            {"type": "array", "items": ref("ImportReport")},
            "The reports of the other flows, where the file holds several.",
            lambda answer: [REPORT.render(other) for other in answer.others],
        ),
    ),
)
SHAPES = (ITEM, SECRET, NEED, REPORT, ANSWER)
