"""From red to its cause: the overview and a flow's page lead to the failure, or to the list where it is several."""

from __future__ import annotations

import html
import re

import sqlalchemy as sa


def main_links(page):
    return [html.unescape(href) for href in re.findall(r'<a class="main" href="([^"]+)"', page)]


def test_a_cause_leads_to_its_failure_and_to_the_list_where_it_is_several(as_bob, post_failures, owner_engine):
    post_failures("no such order 1", "no such order 2")
    with owner_engine.connect() as connection:
        failure, flow = connection.execute(sa.text("SELECT id, agentflow_id FROM failure_groups")).one()
    for path in ("/", f"/flows/{flow}/failures"):
        page = as_bob.get(path).text
        assert f"/failures/{failure}" in main_links(page), path
        assert as_bob.get(f"/failures/{failure}").status_code == 200
    post_failures("no such customer 1")
    for path in ("/", f"/flows/{flow}/failures"):
        (link,) = [href for href in main_links(as_bob.get(path).text) if href.startswith("/failures?")]
        assert len(main_links(as_bob.get(link).text)) == 2, path
