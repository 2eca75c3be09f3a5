"""Look at alert rules, and bring their messages to the receivers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.config import instance_secret
from webapp.database.tenancy import organization_session
from webapp.domain.secret_box import SecretBox
from webapp.features.alerts.operations_deliver import Outgoing, claim, send, settle
from webapp.features.alerts.operations_evaluate import evaluate
from webapp.jobs.registry import for_each_organization, process_settings, task

THREADS = 8


@task("evaluate_alerts", every="* * * * * */15")
def evaluate_alerts(engine: Engine) -> None:
    def evaluate_one(session: Session, organization_id: UUID) -> None:
        evaluate(session, organization_id, now=datetime.now(UTC))

    for_each_organization(engine, "all", evaluate_one)


@task("deliver_alerts", every="* * * * * */5")
def deliver_alerts(engine: Engine) -> None:
    """Claim what is due in every organization, send it with no transaction open, then write down what came of it."""
    settings = process_settings()
    box = SecretBox(instance_secret(settings.data_dir))
    outgoing: list[tuple[UUID, Outgoing]] = []

    def claim_some(session: Session, organization_id: UUID) -> None:
        outgoing.extend(
            (organization_id, one) for one in claim(session, organization_id, box=box, now=datetime.now(UTC))
        )

    for_each_organization(engine, "all", claim_some)
    if not outgoing:
        return
    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
        sent = {pool.submit(send, one, settings): (own, one.id) for own, one in outgoing}
        for future in as_completed(sent):
            own, delivery_id = sent[future]
            with organization_session(engine, own) as session:
                settle(session, own, delivery_id, future.result(), now=datetime.now(UTC))
