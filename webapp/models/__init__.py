"""All tables, so that one import fills the metadata. Import a model from here or from its own module."""

from webapp.models.accounts import (
    BrowserSession,
    Invitation,
    MemberRole,
    Organization,
    OrganizationMember,
    SavedView,
    Team,
    TeamMember,
    User,
    UserRole,
    UserSettings,
)
from webapp.models.agents import (
    Agent,
    AgentKnowledgeBase,
    AgentMemory,
    AgentTemplate,
    AgentTool,
    AgentType,
    AgentVersion,
    MemoryTerm,
)
from webapp.models.base import NIL_UUID, Base, ExecutionStatus, Source, db, id_time, new_id, step_id
from webapp.models.conversations import Bookmark, Chatflow, Conversation, ConversationShare, Message
from webapp.models.executions import (
    AgentExecution,
    Event,
    Feedback,
    FlowExecution,
    QueryLog,
    StepKind,
    ToolExecution,
    TriggerType,
)
from webapp.models.flows import Agentflow, AgentflowAgent, AgentflowEdge, Block, EdgeKind, TriggerKind, Workflow
from webapp.models.knowledge import Document, DocumentStatus, KnowledgeBase, KnowledgeGraph, PromptTemplate
from webapp.models.marketplace import (
    MarketplacePurchase,
    MarketplaceRevenue,
    MarketplaceReview,
    PurchaseStatus,
    RevenueKind,
)
from webapp.models.observability import (
    ExecutionRollup,
    IngestArrival,
    IngestRejection,
    ModelPrice,
    PriceMatch,
    RollupDirty,
    Span,
    TraceIndex,
    UsageLedger,
    UsageRollup,
)
from webapp.models.plugins import (
    InstallationStatus,
    Plugin,
    PluginAuditLog,
    PluginConfiguration,
    PluginDependency,
    PluginMetric,
    PluginSecurityScan,
    ScanSeverity,
    Tool,
)
from webapp.models.security import ApiKey, Credit, CreditKind, LimitScope, RateLimitConfig
from webapp.models.system import AlembicVersion, MigrationHistory, MigrationResult, Notification

__all__ = [name for name in globals() if not name.startswith("_") and name[0].isupper()] + [
    "db",
    "id_time",
    "new_id",
    "step_id",
]
