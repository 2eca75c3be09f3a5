"""Saving a draft: checked first, one version for two clicks, and two people's changes put together, nothing lost."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.features.flow_editor.conftest import save_flow, words
from webapp.models import Agentflow, Event


def flow_row(owner_engine, flow_id):
    with Session(owner_engine) as session:
        return session.get(Agentflow, flow_id)


def test_saving_makes_a_version_with_name_note_and_compiled_graph(editor, owner_engine, alice):
    editor.post("add", preset="http", name="Fetch", after="end")
    editor.post("save", name="Fetches too", note="Because\nof 4711")
    version = editor.versions[-1]
    assert (version.version, version.name, version.note, version.author_id) == (
        2, "Fetches too", "Because\nof 4711", alice.id,
    )  # fmt: skip
    row = flow_row(owner_engine, editor.flow_id)
    assert row.version == 2 and row.compiled_graph["version"] == 1 and not [
        p for p in row.problems if p["severity"] == "error"
    ]  # fmt: skip
    assert editor.draft is None
    with Session(owner_engine) as session:
        payload = session.scalar(sa.select(Event.payload).where(Event.event_type == "agentflow.saved"))
    assert payload["before"]["version"] == 1 and payload["after"]["version"] == 2
    assert payload["changes"] == {"blocks_added": 1, "edges_added": 1}
    assert "Because" not in str(payload) and "4711" not in str(payload)


def test_a_graph_that_cannot_run_says_why_and_is_saved_only_on_purpose(editor, owner_engine):
    editor.post("add", preset="agent", name="Judge", after="end")
    answer = editor.post("save", name="Kept name", note="Kept note", status=422)
    text = words(answer.text)
    assert "Judge has neither an agent nor a model" in text and "Save anyway, it cannot be run" in text
    assert 'value="Kept name"' in answer.text and "Kept note" in answer.text
    assert len(editor.versions) == 1 and editor.draft is not None
    editor.post("save", anyway="y")
    row = flow_row(owner_engine, editor.flow_id)
    assert row.version == 2 and row.compiled_graph is None
    assert [p["code"] for p in row.problems if p["severity"] == "error"] == ["missing_agent"]


def test_two_clicks_make_one_version(editor):
    editor.post("add", preset="http")
    values = {"revision": editor.revision, "base_version": 1}
    first, second = (editor.post("save", **values) for _ in range(2))
    assert first.location == second.location and "/versions/2" in first.location
    assert len(editor.versions) == 2


def test_two_clicks_at_the_same_time_make_one_version(editor, client_as, alice):
    editor.post("add", preset="http")
    values = {"revision": str(editor.revision), "base_version": "1"}
    clients = [client_as(alice) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda c: c.post(f"{editor.base}/save", data=values).status_code, clients))
    assert answers == [303] * 4 and len(editor.versions) == 2


def test_two_first_changes_at_the_same_time_keep_one_and_tell_the_other(editor, client_as, alice):
    clients = [client_as(alice) for _ in range(4)]
    data = {"revision": "0", "preset": "http"}
    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(lambda c: c.post(f"{editor.base}/add", data=data).status_code, clients))
    assert answers == [303, 409, 409, 409] and editor.revision == 1


def test_what_the_flow_says_of_itself_needs_no_version(editor, owner_engine):
    editor.post("describe", name="Other name", description="d", pattern="", tags="x")
    editor.post("save")
    row = flow_row(owner_engine, editor.flow_id)
    assert (row.name, row.tags, row.version) == ("Other name", ["x"], 1) and editor.draft is None
    assert "Edit Other name" in editor.open()


def test_saving_without_a_draft_is_refused(editor):
    editor.post("save", status=409)


def test_saving_an_older_page_saves_nothing(editor):
    editor.post("add", preset="http")
    editor.post("add", preset="http")
    answer = editor.post("save", revision=1, name="My words", status=409)
    assert "changed in another tab" in answer.text and 'value="My words"' in answer.text
    assert len(editor.versions) == 1


@pytest.fixture
def two(editor, editor_of, dora):
    """Alice and Dora both have a draft of version 1; Dora saves hers."""
    other = editor_of(dora)
    return editor, other


def test_the_second_sees_what_the_first_changed_and_keeps_both(two):
    alice, dora = two
    alice.post("add", preset="http", name="Of Alice", after="end")
    dora.post("add", preset="http", name="Of Dora", after="work")
    dora.post("save", name="Dora's")
    assert "Version 2 was saved" in alice.open() and "by Dora" in words(alice.page)
    answer = alice.post("save", name="Alice's name", note="Alice's note", status=409)
    text = words(answer.text)
    assert "Dora saved version 2 while you were editing" in text and "Of Dora" in text and "Of Alice" in text
    assert "your changes do not touch each other" in text
    assert 'value="Alice&#39;s name"' in answer.text and "Alice&#39;s note" in answer.text
    assert len(alice.versions) == 2 and alice.draft is not None
    alice.post("join", theirs=2, how="both", name="Alice's name", note="n")
    saved = alice.versions[-1]
    names = {block["name"] for block in saved.graph["blocks"]}
    assert saved.version == 3 and saved.name == "Alice's name" and {"Of Alice", "Of Dora"} <= names
    assert alice.draft is None


def conflict(two):
    alice, dora = two
    alice.post("configure", key="work", name="Alice calls it", block_type="action", **{"set-kind": "http"})
    alice.post("remove", key="end")
    dora.post("configure", key="work", name="Dora calls it", block_type="action", **{"set-kind": "http"})
    dora.post("configure", key="end", name="Dora's end", block_type="action", **{"set-kind": "answer"})
    dora.post("save")
    page = alice.client.get(f"{alice.base}/join").text
    return re.findall(r'<legend class="vh">([^<]+)</legend>.*?name="(choice-\d+)"', page, flags=re.S)


@pytest.mark.parametrize(
    ("name_choice", "end_choice", "names"),
    [("mine", "mine", {"Start", "Alice calls it"}), ("theirs", "mine", {"Start", "Dora calls it"}),
     ("mine", "theirs", {"Start", "Alice calls it", "Dora's end"}),
     ("theirs", "theirs", {"Start", "Dora calls it", "Dora's end"})],
)  # fmt: skip
def test_each_conflict_is_decided_by_a_choice(two, name_choice, end_choice, names):
    questions = conflict(two)
    assert {title.partition(",")[0] for title, _ in questions} >= {"Alice calls it"}
    alice = two[0]
    choices = {name: name_choice if title.endswith("name") else end_choice for title, name in questions}
    alice.post("join", theirs=2, how="both", anyway="y", **choices)
    assert {block["name"] for block in alice.versions[-1].graph["blocks"]} == names


def test_mine_on_top_keeps_my_drawing_and_saves_nothing_yet(two):
    conflict(two)
    alice = two[0]
    mine = alice.draft
    where = alice.post("join", theirs=2, how="mine", name="kept", note="too").location
    assert "panel=save" in where and "name=kept" in where
    assert alice.draft == mine and alice.base_version == 2 and len(alice.versions) == 2
    assert 'value="kept"' in alice.client.get(where).text
    alice.post("save", anyway="y")
    assert len(alice.versions) == 3


def test_discarding_mine_leaves_theirs(two):
    conflict(two)
    alice = two[0]
    alice.post("join", theirs=2, how="discard")
    assert alice.draft is None and "Dora calls it" in alice.open()


def test_a_third_save_in_between_is_shown_before_anything_is_joined(two):
    alice, dora = two
    alice.post("add", preset="http", name="Of Alice")
    for number in (1, 2):
        dora.post("add", preset="http", name=f"Of Dora {number}")
        dora.post("save", base_version=number)
    answer = alice.post("join", theirs=2, how="both", name="kept", status=409)
    assert "Of Dora 2" in answer.text and 'value="kept"' in answer.text and len(alice.versions) == 3
    alice.post("join", theirs=3, how="both")
    assert len(alice.versions) == 4


def test_joined_changes_that_cannot_run_stay_a_draft(two):
    alice, dora = two
    alice.post("add", preset="agent", name="Judge", after="end")
    dora.post("add", preset="http", name="Of Dora")
    dora.post("save")
    where = alice.post("join", theirs=2, how="both", name="kept").location
    assert "panel=save" in where and alice.base_version == 2 and len(alice.versions) == 2
    assert {"Judge", "Of Dora"} <= {block.name for block in alice.draft.blocks}
    page = alice.client.get(where).text
    assert "Save anyway" in page and 'value="kept"' in page


def test_joining_where_nothing_has_to_be_joined_leads_back(editor):
    editor.post("add", preset="http")
    answer = editor.client.get(f"{editor.base}/join")
    assert answer.status_code == 303 and answer.location.endswith("/edit")


def test_a_discovered_flow_begins_with_an_empty_drawing(app_engine, organization, alice, editor_of, owner_engine):
    from tests.factories.flows import make_agentflow

    flow = make_agentflow(organization_id=organization.id, name="seen", source="discovered")
    editor = editor_of(alice, flow.id)
    assert "Nothing is drawn yet" in editor.open()
    editor.post("add", preset="webhook")
    editor.post("describe", name="Mine", description="", pattern="", tags="")
    editor.post("save", base_version=0)
    row = flow_row(owner_engine, flow.id)
    assert (row.version, row.name, row.source, row.block_count) == (1, "seen", "discovered", 1)
    assert editor.versions[0].kind == "adopted"


def test_what_was_seen_in_traces_becomes_the_first_draft(client_as, alice, api_key, editor_of, owner_engine):
    assert client_as(alice).post("/welcome/sample").status_code == 303
    with Session(owner_engine) as session:
        flow = session.scalars(sa.select(Agentflow).where(Agentflow.last_execution_at.is_not(None))).one()
    editor = editor_of(alice, flow.id)
    assert "Draw what was seen" in editor.open()
    editor.post("draw")
    names = {block.name for block in editor.draft.blocks}
    assert len(names) > 1 and editor.draft.edges and "Undo: Drew what was seen" in editor.open()
    assert "Draw what was seen" not in editor.page
    editor.post("draw", status=422)
    editor.post("save", base_version=0, anyway="y")
    assert editor.versions[0].kind == "adopted"


def test_a_flow_that_never_ran_has_nothing_to_draw(editor_of, alice, organization):
    from tests.factories.flows import make_agentflow

    flow = make_agentflow(organization_id=organization.id, name="seen", source="discovered")
    answer = editor_of(alice, flow.id).post("draw", status=422)
    assert "Add the first block by hand" in answer.text


def test_a_flow_that_was_joined_leads_to_the_one_with_the_drawing(editor, owner_engine, organization):
    from tests.factories.flows import make_agentflow

    other = make_agentflow(organization_id=organization.id, name="other")
    with owner_engine.begin() as connection:
        joined = {"joined_into": str(other.id)}
        connection.execute(sa.update(Agentflow).where(Agentflow.id == editor.flow_id).values(config=joined))
    assert editor.client.get(editor.base).location == f"/flows/{other.id}/edit"
    editor.post("add", preset="http", status=409)


def test_a_flow_with_many_versions_counts_on(app_engine, organization, alice, editor_of):
    editor = editor_of(alice, save_flow(app_engine, organization, alice))
    for number in range(1, 4):
        editor.post("add", preset="http")
        editor.post("save", base_version=number)
    assert [version.version for version in editor.versions] == [1, 2, 3, 4]
