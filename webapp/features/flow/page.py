"""The drawing of a flow as its pages show it."""

from __future__ import annotations

from webapp.features.flow.queries_shares import SharedFlow


def shared_view(flow: SharedFlow) -> object:
    return None
