"""Chatflows, conversations and their messages."""

from __future__ import annotations

import secrets

from tests.factories.base import factory
from webapp.models import Bookmark, Chatflow, Conversation, ConversationShare, Message, new_id

make_chatflow = factory(Chatflow, name=lambda n: f"chatflow {n}")
make_conversation = factory(Conversation, session_id=lambda n: f"session-{n}")
make_message = factory(Message, role="user", content="Where is my order?")
make_bookmark = factory(Bookmark, record_type="execution", record_id=lambda n: new_id())
make_conversation_share = factory(ConversationShare, token_hash=lambda n: secrets.token_bytes(32))
