"""Send executions to be run again, and recognise the traces that come of it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from webapp.config import instance_secret
from webapp.database.tenancy import organization_session
from webapp.domain.secret_box import SecretBox
from webapp.features.retries.operations_sending import note_answer, take, watch
from webapp.jobs.registry import for_each_organization, process_settings, task
from webapp.outbound.post import post_signed


@task("send_retry", attempts=4)
def send_retry(engine: Engine, organization_id: str, attempt_id: str, tries: int = 0) -> None:
    """One try, with no transaction open while the receiver works.

    After a crash in between it is sent again under the same ids, by which a receiver tells.
    """
    settings, own, attempt = process_settings(), UUID(str(organization_id)), UUID(str(attempt_id))
    box = SecretBox(instance_secret(settings.data_dir))
    with organization_session(engine, own) as session:
        parcel = take(session, own, attempt, box=box, now=datetime.now(UTC))
    if parcel is None:
        return
    answer = post_signed(
        parcel.url,
        parcel.body,
        secret=parcel.secret,
        message_id=parcel.message_id,
        headers=parcel.headers,
        settings=settings,
    )
    with organization_session(engine, own) as session:
        note_answer(session, own, attempt, answer, tries=int(tries), now=datetime.now(UTC))


@task("watch_retries", every="* * * * * */5")
def watch_retries(engine: Engine) -> None:
    def watch_one(session: Session, organization_id: UUID) -> None:
        watch(session, organization_id, now=datetime.now(UTC))

    for_each_organization(engine, "all", watch_one)
