"""Knowledge bases, documents and prompts."""

from tests.factories.base import factory
from webapp.models import Document, KnowledgeBase, KnowledgeGraph, PromptTemplate

make_knowledge_base = factory(KnowledgeBase, name=lambda n: f"knowledge base {n}")
make_document = factory(Document)
make_knowledge_graph = factory(KnowledgeGraph)
make_prompt_template = factory(PromptTemplate, name=lambda n: f"prompt {n}")
