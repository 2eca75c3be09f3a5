"""What a span can be. The order of ROLES is the order in which conventions that disagree are believed."""

MODEL = "model_call"
EMBEDDING = "embedding"
TOOL = "tool"
FLOW = "flow"
AGENT = "agent"
CREATION = "creation"
RETRIEVAL = "retrieval"
STEP = "step"

ROLES = (MODEL, EMBEDDING, TOOL, FLOW, AGENT, CREATION, RETRIEVAL, STEP)
RANK = {role: rank for rank, role in enumerate(ROLES)}

# Roles between which "the same call seen twice" is decided; steps between them are skipped.
CLASSIFIED = frozenset((MODEL, EMBEDDING, TOOL, AGENT))

# What a step is called where it is stored; a flow and a creation are steps there.
KINDS = {
    MODEL: "model_call",
    EMBEDDING: "embedding",
    TOOL: "tool",
    AGENT: "agent",
    RETRIEVAL: "retrieval",
    FLOW: "step",
    CREATION: "step",
    STEP: "step",
}
