"""What broke and what worked: the newest failed execution up close, and the first one beside the last good one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.domain.compare import Pair, compare
from webapp.domain.errors import NotFound
from webapp.features.compare.queries import LAST_GOOD, find_neighbours
from webapp.features.executions.queries_detail import ExecutionDetail, get_execution
from webapp.features.executions.queries_steps import StepRow, StepTexts, list_digests, list_steps, list_texts
from webapp.features.failures.queries_affected import Sample

AROUND = 3
"""So many steps are shown with what they read and wrote: the failing one and those before it."""
_LEAVES = ("model_call", "tool", "retrieval", "embedding")


@dataclass(frozen=True, slots=True)
class Cause:
    """The failing step of one execution. ``around`` are the steps that ran before it, the nearest first; ``parents``
    those above it that failed because of it, the nearest first."""

    execution: ExecutionDetail
    step: StepRow
    texts: StepTexts
    around: Sequence[tuple[StepRow, StepTexts]]
    parents: Sequence[StepRow]


@dataclass(frozen=True, slots=True)
class GoodBad:
    """The last good execution and the first bad one, step by step. ``good`` is None when none ran before."""

    good: ExecutionDetail | None
    bad: ExecutionDetail
    pairs: Sequence[Pair]


def get_cause(session: Session, organization_id: UUID, user_id: UUID, sample: Sample | None) -> Cause | None:
    """The failing step with its error and what it and the steps before it read and wrote; None when it is gone.

    Cost: three statements.
    """
    execution = _execution(session, organization_id, user_id, sample)
    if execution is None or sample is None:
        return None
    steps = list_steps(session, organization_id, execution)
    step = _failing(steps, execution, sample.step_id)
    if step is None:
        return None
    place = steps.index(step)
    before = [one for one in reversed(steps[:place]) if one.kind in _LEAVES and not one.is_helper][: AROUND - 1]
    texts = list_texts(session, organization_id, [execution], [one.id for one in (step, *before)])
    nothing = StepTexts(None, None, None, None, None)
    around = [(one, texts.get(one.id, nothing)) for one in before]
    return Cause(execution, step, texts.get(step.id, nothing), around, _parents(steps, step))


def _failing(steps: Sequence[StepRow], execution: ExecutionDetail, step_id: UUID | None) -> StepRow | None:
    ways = (
        lambda step: step.id == step_id,
        lambda step: step.span_id is not None and step.span_id == execution.error_span_id,
        lambda step: step.is_error_origin,
        lambda step: step.status == "failed",
    )
    return next((step for is_it in ways for step in reversed(steps) if is_it(step)), None)


def _parents(steps: Sequence[StepRow], step: StepRow) -> list[StepRow]:
    by_id: Mapping[UUID, StepRow] = {one.id: one for one in steps}
    found: list[StepRow] = []
    while step.parent_id in by_id and len(found) < len(steps):
        step = by_id[step.parent_id]
        if step.status == "failed":
            found.append(step)
    return found


def get_good_bad(session: Session, organization_id: UUID, user_id: UUID, first: Sample | None) -> GoodBad | None:
    """The first failed execution beside the nearest completed one of its flow and environment before it.

    None when the first one is gone. Cost: six statements.
    """
    bad = _execution(session, organization_id, user_id, first)
    if bad is None:
        return None
    found = find_neighbours(session, organization_id, bad).get(LAST_GOOD)
    if found is None:
        return GoodBad(None, bad, ())
    good = get_execution(session, organization_id, user_id, found.id)
    before, after = (list_steps(session, organization_id, one) for one in (good, bad))
    return GoodBad(good, bad, compare(before, after, list_digests(session, organization_id, (good, bad))))


def _execution(session: Session, organization_id: UUID, user_id: UUID, sample: Sample | None) -> ExecutionDetail | None:
    if sample is None or not sample.is_here:
        return None
    try:
        return get_execution(session, organization_id, user_id, sample.execution_id)
    except NotFound:
        return None
