"""Small files of foreign builders for tests of what is around the importers; made here, like nothing real."""

from __future__ import annotations

import json

SECRET = "sk-proj-" + "Zq81LmXvP0" * 4


def n8n_file(name: str = "Mail triage", *, id_: str | None = "wf1", extra: bool = False, key: str = SECRET) -> bytes:
    """A webhook, a request with a key typed into its header, a condition, and an edge to nowhere."""
    nodes = [
        {
            "id": "a",
            "name": "Webhook",
            "type": "n8n-nodes-base.webhook",
            "typeVersion": 2,
            "position": [0, 0],
            "parameters": {"path": "mail"},
        },
        {
            "id": "b",
            "name": "Ask",
            "type": "n8n-nodes-base.httpRequest",
            "typeVersion": 4,
            "position": [200, 0],
            "parameters": {
                "url": "https://api.example.com/v1",
                "headerParameters": {"parameters": [{"name": "Authorization", "value": f"Bearer {key}"}]},
            },
            "credentials": {"httpBasicAuth": {"id": "77", "name": "Mail account"}},
        },
        {
            "id": "c",
            "name": "Urgent?",
            "type": "n8n-nodes-base.if",
            "typeVersion": 2,
            "position": [400, 0],
            "parameters": {},
        },
        {
            "id": "n",
            "name": "Sticky",
            "type": "n8n-nodes-base.stickyNote",
            "typeVersion": 1,
            "position": [0, 200],
            "parameters": {"content": "Ask Kim"},
        },
    ]
    if extra:
        nodes.append(
            {
                "id": "d",
                "name": "Say so",
                "type": "n8n-nodes-base.slack",
                "typeVersion": 2,
                "position": [600, 0],
                "parameters": {},
            }
        )
    connections = {
        "Webhook": {"main": [[{"node": "Ask", "type": "main", "index": 0}]]},
        "Ask": {"main": [[{"node": "Urgent?", "type": "main", "index": 0}]]},
        "Urgent?": {"main": [[{"node": "Nowhere", "type": "main", "index": 0}], []]},
    }
    document = {"name": name, "nodes": nodes, "connections": connections}
    if id_ is not None:
        document["id"] = id_
    return json.dumps(document).encode()
