"""Named prompts: list, variables, versions, preview, renaming, archiving, and who may."""

from __future__ import annotations

import csv
import io
import re

import pytest
import sqlalchemy as sa

from tests.factories.agents import make_agent
from tests.factories.knowledge import make_prompt_template
from tests.features.agents.conftest import part
from tests.features.agents.test_detail import KEY, events, rows
from webapp.database.tenancy import organization_session
from webapp.features.events.queries import get_first_broken
from webapp.models import Agent, PromptTemplate

ID = re.compile(r'class="main" href="/prompts/([0-9a-f-]{36})"')
FORM = {
    "name": "support-reply", "description": "How we answer", "tags": "support",
    "template": "Dear {{customer}},\r\nabout {{ order.id }}: {{tone}}", "base_version": "1",
    "variables": "customer = Kim: whom we write to\norder.id\nlimit: not in the text",
}  # fmt: skip


def ids(html):
    return ID.findall(html)


def exported(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


@pytest.fixture
def prompt_id(as_alice):
    answer = as_alice.post("/prompts", data=FORM)
    assert answer.status_code == 303, answer.text[-2000:]
    return re.search(r"/prompts/([0-9a-f-]{36})", answer.location)[1]


def test_a_browser_gets_the_page_and_htmx_the_list(as_bob, prompt_id):
    page, listed = as_bob.get("/prompts").text, as_bob.get("/prompts", headers=part("prompt-list"))
    assert "<html" in page and ids(page) == [prompt_id] and "customer, order.id, limit" in page
    assert "<html" not in listed.text and 'id="prompt-list"' in listed.text and ids(listed.text) == [prompt_id]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=REPLY", ["support-reply"]), ("q=second+text", ["triage"]), ("q=first+text", []), ("use=used", ["triage"]),
        ("use=unused", ["support-reply"]), ("state=archived", ["old"]), ("sort=used", ["triage", "support-reply"]),
        ("sort=changed", ["triage", "support-reply"]), ("sort=nonsense", ["support-reply", "triage"]),
    ],
)  # fmt: skip
def test_filters_mean_what_they_say(as_bob, prompt_id, organization, query, names):
    own = {"organization_id": organization.id}
    first = make_prompt_template(name="triage", version=1, template="first text", **own)
    make_prompt_template(name="triage", version=2, template="second text", created_at="2100-01-01T00:00:00Z", **own)
    old = make_prompt_template(name="old", template="x", is_active=False, **own)
    make_agent(prompt_name="triage", **own)
    by_name = {"support-reply": prompt_id, "triage": str(first.id), "old": str(old.id)}
    assert ids(as_bob.get(f"/prompts?{query}").text) == [by_name[name] for name in names]
    assert [row["id"] for row in exported(as_bob.get(f"/prompts/export.csv?{query}"))] == [by_name[n] for n in names]


def test_an_empty_list_says_what_to_do(as_bob, organization):
    assert "No prompts yet" in as_bob.get("/prompts").text
    make_prompt_template(organization_id=organization.id, name="x", template="x")
    assert "Remove use filter (1 prompt)" in as_bob.get("/prompts?use=used").text


def test_variables_that_do_not_fit_are_flagged(as_bob, prompt_id):
    text = as_bob.get(f"/prompts/{prompt_id}").text
    assert re.search(r"Used but not declared: <code>tone</code>", text)
    assert re.search(r"Declared but not used: <code>limit</code>", text)
    assert '<code class="tag">{{customer}}</code>' in text and "whom we write to" in text


def test_a_preview_fills_in_and_reads_nothing_twice(as_bob, prompt_id):
    text = as_bob.get(f"/prompts/{prompt_id}/preview").text
    assert '<strong title="Sample value">Kim</strong>' in text and "{{tone}}" in text
    text = as_bob.get(f"/prompts/{prompt_id}/preview?v.tone=%7B%7Bcustomer%7D%7D&v.customer=%3Cb%3E").text
    assert '<strong title="Sample value">{{customer}}</strong>' in text and "&lt;b&gt;" in text and "<b>" not in text


def test_saving_makes_a_version_and_keeps_the_old_one(
    as_alice, prompt_id, owner_engine, app_engine, organization, as_bob
):
    changed = FORM | {"template": "Dear {{customer}},\nbriefly: {{tone}}", "tags": "support, v2"}
    assert as_alice.post(f"/prompts/{prompt_id}", data=changed).location.endswith("done=saved")
    assert as_alice.post(f"/prompts/{prompt_id}", data=changed | {"base_version": "2"}).location.endswith("done=same")
    kept = rows(owner_engine, sa.select(PromptTemplate).order_by(PromptTemplate.version))
    assert [(one.version, one.template.partition("\n")[2]) for one in kept] == [
        (1, "about {{ order.id }}: {{tone}}"), (2, "briefly: {{tone}}"),
    ]  # fmt: skip
    kind, payload = events(owner_engine, "prompt")[-1]
    assert kind == "prompt.changed" and payload["changed"] == ["template", "tags"]
    assert payload["before"]["template"]["version"] == 1 and payload["after"]["template"]["version"] == 2
    assert "briefly" not in str(payload) and payload["after"]["tags"] == ["support", "v2"]
    diff = as_bob.get(f"/prompts/{prompt_id}/versions?before=1&after=2").text
    assert re.search(r'class="del">.*order\.id', diff) and re.search(r'class="ins">.*briefly', diff)
    assert "about <code" in as_bob.get(f"/prompts/{prompt_id}?version=1").text
    assert as_bob.get(f"/prompts/{prompt_id}?version=9").status_code == 404
    newest = kept[1].id
    assert "briefly" in as_bob.get(f"/prompts/{newest}").text
    assert "Variables" in as_bob.get(f"/prompts/{prompt_id}/history").text
    with organization_session(app_engine, organization.id) as session:
        assert get_first_broken(session, organization.id) is None


def test_an_old_version_comes_back_as_a_new_one(as_alice, prompt_id, owner_engine):
    as_alice.post(f"/prompts/{prompt_id}", data=FORM | {"template": "other"})
    assert as_alice.post(f"/prompts/{prompt_id}/versions/1/restore").status_code == 303
    texts = rows(owner_engine, sa.select(PromptTemplate.template).order_by(PromptTemplate.version))
    assert texts[0] == texts[2] and texts[1] == "other" and len(texts) == 3
    assert as_alice.post(f"/prompts/{prompt_id}/versions/8/restore").status_code == 404


def test_a_second_editor_loses_nothing(as_alice, as_dana, prompt_id, owner_engine):
    as_dana.post(f"/prompts/{prompt_id}", data=FORM | {"template": "Dana's text", "description": "Dana's"})
    answer = as_alice.post(f"/prompts/{prompt_id}", data=FORM | {"template": "Alice's text", "tags": "mine"})
    assert answer.status_code == 409 and "Version 2 was saved while you were editing" in answer.text
    assert "holds yours: Text" in answer.text and re.search(r'class="ins">.*Dana&#39;s text', answer.text)
    assert "Alice&#39;s text</textarea>" in answer.text and 'value="Dana&#39;s"' in answer.text
    assert 'name="base_version" type="hidden" value="2"' in answer.text
    assert len(rows(owner_engine, sa.select(PromptTemplate))) == 2


def test_renaming_takes_versions_and_agents_along(as_alice, prompt_id, organization, owner_engine):
    agent = make_agent(organization_id=organization.id, name="Writer", prompt_name="support-reply")
    as_alice.post(f"/prompts/{prompt_id}", data=FORM | {"template": "other"})
    make_prompt_template(organization_id=organization.id, name="Taken", template="x")
    assert "Writer" in as_alice.get(f"/prompts/{prompt_id}").text
    assert as_alice.post(f"/prompts/{prompt_id}/rename", data={"name": "tAken"}).status_code == 422
    assert as_alice.post(f"/prompts/{prompt_id}/rename", data={"name": " "}).status_code == 422
    assert as_alice.post(f"/prompts/{prompt_id}/rename", data={"name": "Support-Reply"}).status_code == 303
    assert rows(owner_engine, sa.select(Agent.prompt_name)) == ["Support-Reply"]
    assert sorted(rows(owner_engine, sa.select(PromptTemplate.name))) == ["Support-Reply"] * 2 + ["Taken"]
    kind, payload = events(owner_engine, "prompt")[-1]
    assert kind == "prompt.renamed" and payload["before"] == {"name": "support-reply"} and payload["agents"] == 1
    assert f"/prompts/{prompt_id}" in as_alice.get(f"/agents/{agent.id}").text


def test_an_archived_prompt_is_kept_and_comes_back(as_alice, prompt_id, owner_engine, organization):
    assert as_alice.post(f"/prompts/{prompt_id}/archive").status_code == 303
    assert as_alice.post(f"/prompts/{prompt_id}/archive").status_code == 409
    assert as_alice.post(f"/prompts/{prompt_id}", data=FORM | {"template": "x"}).status_code == 409
    assert prompt_id not in as_alice.get("/prompts").text and prompt_id in as_alice.get("/prompts?state=archived").text
    assert "support-reply" not in as_alice.get("/agents/new").text
    make_agent(organization_id=organization.id, name="Writer", prompt_name="support-reply")
    assert as_alice.post(f"/prompts/{prompt_id}/restore").status_code == 303
    assert as_alice.post(f"/prompts/{prompt_id}/restore").status_code == 409
    kinds = [kind for kind, _ in events(owner_engine, "prompt")]
    assert kinds == ["prompt.created", "prompt.archived", "prompt.restored"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"template": " "}, "Write the text of the prompt."),
        ({"template": "x" * 100_001}, "100000"),
        ({"template": "a\x00b"}, "cannot be kept"),
        ({"template": f"key {KEY}"}, "looks like it holds a secret"),
        ({"variables": "9lives"}, "Line 1: begin with a name"),
        ({"variables": "a\nb\na"}, "Line 3: a was declared"),
        ({"variables": f"a = {KEY}"}, "looks like it holds a secret"),
        ({"tags": "x" * 60}, "A tag has at most"),
    ],
)
def test_wrong_input_is_said_and_changes_nothing(as_alice, prompt_id, owner_engine, wrong, words):
    for address, name in (("/prompts", "another"), (f"/prompts/{prompt_id}", "x")):
        answer = as_alice.post(address, data=FORM | {"name": name} | wrong)
        assert answer.status_code == 422 and words in answer.text
    assert len(rows(owner_engine, sa.select(PromptTemplate))) == 1 and KEY not in str(events(owner_engine, "prompt"))


def test_names_are_taken_once(as_alice, prompt_id):
    assert as_alice.post("/prompts", data=FORM | {"name": "SUPPORT-reply"}).status_code == 409
    assert as_alice.post("/prompts", data=FORM | {"name": " "}).status_code == 422


def test_strangers_and_viewers_may_not(as_charlie, as_bob, prompt_id):
    assert "support-reply" not in as_charlie.get("/prompts").text + as_charlie.get("/prompts/export.csv").text
    for path in ("", "/edit", "/preview", "/versions", "/history", "/rename"):
        assert as_charlie.get(f"/prompts/{prompt_id}{path}").status_code == 404
    for path in ("", "/rename", "/archive", "/restore", "/versions/1/restore"):
        assert as_charlie.post(f"/prompts/{prompt_id}{path}", data=FORM).status_code == 404
        assert as_bob.post(f"/prompts/{prompt_id}{path}", data=FORM).status_code == 403
    assert as_bob.get("/prompts/new").status_code == 403 and as_bob.post("/prompts", data=FORM).status_code == 403
    text = as_bob.get(f"/prompts/{prompt_id}").text + as_bob.get("/prompts").text
    assert "Archive prompt" not in text and "Create prompt" not in text and ">Edit<" not in text


def test_hostile_text_is_shown_and_not_run(as_bob, organization):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    text = f"{evil} {{{{x}}}} {{{{{evil}}}}}"
    first = make_prompt_template(
        organization_id=organization.id, name=evil, template=text, description=evil, tags=[evil], variables=[evil, 5]
    )
    make_prompt_template(organization_id=organization.id, name=evil, version=2, template=evil)
    for path in ("", "?version=1", "/preview", "/versions?before=1&after=2"):
        page = as_bob.get(f"/prompts/{first.id}{path}").text
        assert "<script>alert" not in page and "<img src=x" not in page
    assert "<script>alert" not in as_bob.get("/prompts").text


@pytest.mark.parametrize("size", [1, 30])
def test_statements_do_not_grow_with_rows(as_alice, as_bob, prompt_id, organization, count_queries, size):
    for number in range(size):
        make_prompt_template(organization_id=organization.id, name=f"prompt {number}", template="x")
        make_prompt_template(organization_id=organization.id, name="support-reply", version=number + 2, template="x")
        make_agent(organization_id=organization.id, prompt_name="support-reply")
    counts = []
    for path in ("", f"/{prompt_id}", f"/{prompt_id}/preview", f"/{prompt_id}/versions", f"/{prompt_id}/history"):
        with count_queries() as statements:
            assert as_bob.get(f"/prompts{path}").status_code == 200
        counts.append(len(statements))
    assert counts == [3, 4, 4, 5, 5]


def test_pages_cover_all_prompts_once(as_bob, organization):
    for number in range(60):
        make_prompt_template(organization_id=organization.id, name=f"prompt {number:02}", template="x")
    first = as_bob.get("/prompts?sort=changed").text
    following = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    seen = ids(first) + ids(as_bob.get(following).text)
    assert len(seen) == len(set(seen)) == 60
    assert [row["id"] for row in exported(as_bob.get("/prompts/export.csv?sort=changed"))] == seen
