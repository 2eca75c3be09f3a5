"""Files are taken in the browser: each gets a report that stays, and becomes a flow or a version of one."""

from __future__ import annotations

import io
import re
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories import make_import_report, make_organization_member, make_user
from tests.features.flow_imports.flow_files import SECRET, n8n_file
from webapp.models import Agentflow, AgentflowVersion, Event, ImportReport


def send(client, *files: tuple[bytes, str], text: str = ""):
    data = {"files": [(io.BytesIO(content), name) for content, name in files], "text": text}
    return client.post("/flows/import", data=data, content_type="multipart/form-data")


@pytest.fixture
def member(organization):
    user = make_user()
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


def stored(owner_engine, statement):
    with Session(owner_engine) as session:
        return session.execute(statement).all()


def test_a_file_becomes_a_flow_and_a_report_that_stays(client_as, alice, owner_engine):
    client = client_as(alice)
    answer = send(client, (n8n_file(), "mail.json"))
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Imported as version 1 of Mail triage." in page
    assert "3 blocks, 1 note" in page and "2 imported, 1 refused" in page
    assert "Urgent?" in page and "n8n-nodes-base.if" in page
    assert "Nowhere" in page and "Refused" in page
    assert SECRET not in page and "Mail account" in page
    [(flow_id, name, source, format_)] = stored(
        owner_engine, sa.select(Agentflow.id, Agentflow.name, Agentflow.source, Agentflow.source_format)
    )
    assert (name, source, format_) == ("Mail triage", "imported", "n8n")
    assert f'href="/flows/{flow_id}?block=' in page
    assert client.get("/flows/imports").text.count("mail.json") == 1


def test_no_secret_reaches_the_database_or_the_kept_file(client_as, alice, owner_engine):
    client = client_as(alice)
    location = send(client, (n8n_file(), "mail.json")).location
    kept = client.get(f"{location}/file.json")
    assert kept.status_code == 200 and SECRET not in kept.text and '"Ask"' in kept.text
    with owner_engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            dump = connection.execute(sa.text(f"SELECT string_agg(t::text, ' ') FROM \"{table}\" t")).scalar() or ""
            assert SECRET not in dump, table


def test_the_same_flow_again_waits_and_becomes_a_version(client_as, alice, owner_engine):
    client = client_as(alice)
    send(client, (n8n_file(), "mail.json"))
    location = send(client, (n8n_file(extra=True), "mail-2.json")).location
    page = client.get(location).text
    assert "This flow is here already" in page and "Version 2 of" in page
    assert stored(owner_engine, sa.select(sa.func.count()).select_from(AgentflowVersion)) == [(1,)]
    flow_id = re.search(r'name="flow_id" value="([^"]+)"', page)[1]
    done = client.post(f"{location}/apply", data={"flow_id": flow_id})
    assert done.status_code == 303 and "Imported as version 2" in client.get(done.location).text
    versions = stored(owner_engine, sa.select(AgentflowVersion.version, AgentflowVersion.kind).order_by("version"))
    assert versions == [(1, "import"), (2, "import")]
    assert client.post(f"{location}/apply", data={"flow_id": flow_id}).status_code == 409
    kinds = stored(owner_engine, sa.select(Event.event_type).where(Event.aggregate_type == "agentflow"))
    assert kinds == [("agentflow.created",), ("agentflow.saved",)]


def test_the_same_flow_again_can_become_a_flow_of_its_own(client_as, alice, owner_engine):
    client = client_as(alice)
    send(client, (n8n_file(), "mail.json"))
    location = send(client, (n8n_file(extra=True), "mail-2.json")).location
    assert client.post(f"{location}/apply", data={}).status_code == 303
    assert stored(owner_engine, sa.select(sa.func.count()).select_from(Agentflow)) == [(2,)]


def test_several_files_and_a_pasted_flow_are_taken_at_once_and_a_bad_one_stops_nothing(client_as, alice, owner_engine):
    client = client_as(alice)
    pasted = n8n_file("Pasted", id_="wf3").decode()
    answer = send(
        client,
        (n8n_file(), "mail.json"),
        (b"\x00\x01nothing", "photo.png"),
        (n8n_file("Two", id_="wf2"), "2.json"),
        text=pasted,
    )
    assert answer.location == "/flows/imports?new=4"
    page = client.get(answer.location).text
    assert page.count("Imported</span>") == 3 and page.count("Refused</span>") == 1 and "Pasted text" in page
    refused = stored(owner_engine, sa.select(ImportReport.id).where(ImportReport.reason.is_not(None)))[0][0]
    page = client.get(f"/flows/imports/{refused}").text
    assert "could not be imported" in page and client.get(f"/flows/imports/{refused}/file.json").status_code == 404
    assert client.post(f"/flows/imports/{refused}/apply", data={}).status_code == 409


def test_nothing_chosen_is_said_and_nothing_is_kept(client_as, alice, owner_engine):
    answer = send(client_as(alice))
    assert answer.status_code == 422 and "Choose at least one file" in answer.text
    too_many = send(client_as(alice), *[(b"{}", f"{n}.json") for n in range(21)])
    assert too_many.status_code == 422 and "at most 20" in too_many.text
    assert stored(owner_engine, sa.select(sa.func.count()).select_from(ImportReport)) == [(0,)]


def test_a_hostile_file_name_is_text(client_as, alice):
    client = client_as(alice)
    page = client.get(send(client, (n8n_file(), "../../<script>alert(1)</script>\x00.json")).location).text
    assert "<script>alert" not in page and "&lt;script&gt;" not in page  # only what follows the last slash is a name
    assert "script&gt;.json" in page


def test_a_viewer_reads_reports_and_imports_nothing(client_as, alice, bob):
    location = send(client_as(alice), (n8n_file(), "mail.json")).location
    viewer = client_as(bob)
    assert viewer.get(location).status_code == 200
    assert viewer.get("/flows/import").status_code == 403 and send(viewer, (n8n_file(), "m.json")).status_code == 403
    page = viewer.get("/flows/imports").text
    assert "mail.json" in page and 'href="/flows/import"' not in page
    assert viewer.post(f"{location}/apply", data={}).status_code == 403


def test_a_stranger_finds_nothing(client_as, alice, charlie):
    location = send(client_as(alice), (n8n_file(), "mail.json")).location
    stranger = client_as(charlie)
    for path in (location, f"{location}/items.csv", f"{location}/file.json", f"/flows/imports/{uuid4()}"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{location}/apply", data={}).status_code == 404
    assert "mail.json" not in stranger.get("/flows/imports").text


def test_a_report_of_a_private_flow_is_for_its_author_and_admins(client_as, alice, bob, member, owner_engine):
    location = send(client_as(member), (n8n_file(), "mail.json")).location
    assert client_as(bob).get(location).status_code == 200
    with owner_engine.begin() as connection:
        connection.execute(sa.update(Agentflow).values(visibility="private"))
    assert client_as(bob).get(location).status_code == 404
    assert "mail.json" not in client_as(bob).get("/flows/imports").text
    assert client_as(member).get(location).status_code == client_as(alice).get(location).status_code == 200


def test_a_flow_that_is_not_shared_is_not_offered(client_as, alice, member, owner_engine):
    send(client_as(alice), (n8n_file(), "mail.json"))
    with owner_engine.begin() as connection:
        connection.execute(sa.update(Agentflow).values(visibility="private"))
    [(flow_id,)] = stored(owner_engine, sa.select(Agentflow.id))
    client = client_as(member)
    location = send(client, (n8n_file(extra=True), "mail.json")).location
    assert "it is not shared with you" in client.get(location).text
    assert client.post(f"{location}/apply", data={"flow_id": str(flow_id)}).status_code == 404


def test_the_csv_holds_every_node_and_edge(client_as, alice):
    client = client_as(alice)
    csv = client.get(send(client, (n8n_file(), "mail.json")).location + "/items.csv")
    lines = csv.text.splitlines()
    assert lines[0].startswith("subject,source,") and len(lines) == 1 + 4 + 3
    assert "attachment" in csv.headers["Content-Disposition"]


@pytest.mark.parametrize("count", [1, 30])
def test_the_number_of_statements_does_not_grow(client_as, alice, organization, count_queries, count):
    for _ in range(count):
        make_import_report(organization_id=organization.id, reason="no flow")
    client = client_as(alice)
    with count_queries() as statements:
        assert client.get("/flows/imports").status_code == 200
    assert len(statements) <= 5, statements


def test_imports_come_in_pages(client_as, alice, organization):
    for number in range(60):
        make_import_report(organization_id=organization.id, reason="no flow", file_name=f"f{number}.json")
    client = client_as(alice)
    page = client.get("/flows/imports").text
    older = re.search(r'rel="next" href="([^"]+)"', page)[1]
    rest = client.get(older, headers={"HX-Request": "true", "HX-Target": "import-rows"}).text
    assert "<html" not in rest
    names = set(re.findall(r">(f\d+\.json)<", page)) | set(re.findall(r">(f\d+\.json)<", rest))
    assert len(names) == 60
