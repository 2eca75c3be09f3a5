"""Row-level security, the application's grants, lookups before the tenant is known, and months made and dropped."""

from alembic import op

from webapp.database import ddl
from webapp.database.ddl import TENANT, app_role

revision = "20261124_1334"
down_revision = "20261124_1333"
branch_labels = None
depends_on = None

SHIPPED = ("agent_templates", "model_prices", "rate_limit_configs", "tools")
APPEND_ONLY = ("credits", "event_store", "plugin_audit_logs")
TENANT_TABLES = (
    *("api_keys", "invitations", "notifications", "organization_members", "saved_views", "team_members", "teams"),
    *("marketplace_purchases", "marketplace_revenue", "marketplace_reviews", "plugin_configurations", "plugin_metrics"),
    *("documents", "knowledge_bases", "knowledge_graphs", "prompt_templates", "query_logs"),
    *("agent_knowledgebases", "agent_memories", "agent_tools", "agent_versions", "agents"),
    *("agentflow_agents", "agentflow_edges", "agentflows", "blocks", "workflows"),
    *("bookmarks", "chatflows", "conversation_shares", "conversations", "feedback", "messages"),
    *("agent_executions", "flow_executions", "spans", "tool_executions", "trace_index", "usage_ledger"),
    *("execution_rollups", "ingest_arrivals", "ingest_rejections", "rollup_dirty", "usage_rollups"),
)
OPEN_TABLES = ("plugin_dependencies", "plugin_registry", "plugin_security_scans", "sessions", "user_settings", "users")
READ_ONLY = ("alembic_version", "migration_history")

# Whoever calls these runs with the owner's rights, so the path names its schemas and leaves temporary tables for last.
DEFINER = "LANGUAGE {language} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

FIRST_RUN_NEEDED = """
CREATE FUNCTION public.first_run_needed() RETURNS boolean STABLE {sql} AS $$
    SELECT NOT EXISTS (SELECT FROM public.organizations)
$$
"""

AUTH_SESSION = """
CREATE FUNCTION public.auth_session(token_hash bytea) RETURNS TABLE (
    session_id uuid, user_id uuid, organization_id uuid, member_role varchar, created_at timestamptz,
    last_seen_at timestamptz, expires_at timestamptz, email varchar, full_name varchar, instance_role varchar,
    timezone varchar, locale varchar, theme varchar, organization_name varchar, organization_timezone varchar
) STABLE STRICT ROWS 1 {sql} AS $$
    SELECT s.id, u.id, m.organization_id, m.role, s.created_at, s.last_seen_at, s.expires_at, u.email, u.full_name,
           u.role, coalesce(p.timezone, u.timezone), p.locale, p.theme, o.name, o.timezone
    FROM public.sessions s
    JOIN public.users u ON u.id = s.user_id AND u.is_active AND u.deactivated_at IS NULL
    LEFT JOIN public.user_settings p ON p.user_id = u.id
    LEFT JOIN public.organization_members m ON m.organization_id = s.organization_id AND m.user_id = u.id
    LEFT JOIN public.organizations o ON o.id = m.organization_id
    WHERE s.token_hash = auth_session.token_hash AND s.revoked_at IS NULL AND s.expires_at > now()
$$
"""

AUTH_API_KEY = """
CREATE FUNCTION public.auth_api_key(key_id text) RETURNS TABLE (
    api_key_id uuid, organization_id uuid, secret_hash bytea, scopes jsonb, expires_at timestamptz,
    revoked_at timestamptz, environment varchar, user_id uuid, last_used_at timestamptz
) STABLE STRICT ROWS 1 {sql} AS $$
    SELECT k.id, k.organization_id, k.secret_hash, k.scopes, k.expires_at, k.revoked_at, k.environment, k.user_id,
           k.last_used_at
    FROM public.api_keys k
    WHERE k.key_id = auth_api_key.key_id
$$
"""

AUTH_INVITATION = """
CREATE FUNCTION public.auth_invitation(token_hash bytea) RETURNS TABLE (
    invitation_id uuid, organization_id uuid, organization_name varchar, email varchar, role varchar,
    expires_at timestamptz, accepted_at timestamptz, revoked_at timestamptz
) STABLE STRICT ROWS 1 {sql} AS $$
    SELECT i.id, i.organization_id, o.name, i.email, i.role, i.expires_at, i.accepted_at, i.revoked_at
    FROM public.invitations i
    JOIN public.organizations o ON o.id = i.organization_id
    WHERE i.token_hash = auth_invitation.token_hash
$$
"""

AUTH_SHARE = """
CREATE FUNCTION public.auth_share(token_hash bytea) RETURNS TABLE (
    share_id uuid, organization_id uuid, conversation_id uuid, expires_at timestamptz, revoked_at timestamptz
) STABLE STRICT ROWS 1 {sql} AS $$
    SELECT s.id, s.organization_id, s.conversation_id, s.expires_at, s.revoked_at
    FROM public.conversation_shares s
    WHERE s.token_hash = auth_share.token_hash
$$
"""

MY_ORGANIZATIONS = """
CREATE FUNCTION public.my_organizations(user_id uuid) RETURNS TABLE (
    organization_id uuid, name varchar, slug varchar, role varchar, timezone varchar
) STABLE STRICT {sql} AS $$
    SELECT o.id, o.name, o.slug, m.role, o.timezone
    FROM public.organization_members m
    JOIN public.organizations o ON o.id = m.organization_id
    WHERE m.user_id = my_organizations.user_id
    ORDER BY o.name, o.id
$$
"""

# all: every organization. rollup: sums are out of date. settle: an open execution had no news for the time that its
# organization set. retention: it keeps its executions for a limited number of days.
ORGANIZATIONS_DUE = """
CREATE FUNCTION public.organizations_due(kind text) RETURNS SETOF uuid STABLE STRICT
{plpgsql} AS $$
BEGIN
    CASE kind
    WHEN 'all' THEN
        RETURN QUERY SELECT o.id FROM public.organizations o ORDER BY o.id;
    WHEN 'rollup' THEN
        RETURN QUERY SELECT DISTINCT d.organization_id FROM public.rollup_dirty d;
    WHEN 'settle' THEN
        RETURN QUERY
        SELECT o.id FROM public.organizations o
        WHERE EXISTS (
            SELECT FROM public.flow_executions f
            WHERE f.organization_id = o.id AND f.status IN ('running', 'pending') AND f.last_received_at
                < now() - make_interval(mins => coalesce((o.settings ->> 'settle_after_minutes')::integer, 30))
        );
    WHEN 'retention' THEN
        RETURN QUERY SELECT o.id FROM public.organizations o WHERE o.settings ->> 'retention_days' IS NOT NULL;
    ELSE
        RAISE EXCEPTION 'organizations_due knows no kind %', kind;
    END CASE;
END $$
"""

# ILIKE is not leakproof: under row-level security its index is not used. Built anew for each call, so that the plan
# knows the pattern. Time is started_at; created_at only prunes months.
SEARCH_EXECUTION_ERRORS = """
CREATE FUNCTION public.search_execution_errors(query text, since timestamptz, until timestamptz, max_rows integer)
RETURNS TABLE (id uuid, created_at timestamptz) STABLE {plpgsql} AS $$
DECLARE
    pattern text := '%' || regexp_replace(query, '([\\\\%_])', '\\\\\\1', 'g') || '%';
BEGIN
    RETURN QUERY EXECUTE
        'SELECT f.id, f.created_at FROM public.flow_executions f
         WHERE f.organization_id = $1 AND f.error_message IS NOT NULL AND f.error_message ILIKE $2
           AND ($3 IS NULL OR f.started_at >= $3 AND f.created_at >= $3 - interval ''5 minutes'')
           AND ($4 IS NULL OR f.started_at < $4)
         ORDER BY f.started_at DESC, f.id DESC LIMIT $5'
        USING {tenant}, pattern, since, until, max_rows;
END $$
"""

PARTITION_MONTHS = """
CREATE FUNCTION public.partition_months() RETURNS SETOF date STABLE {sql} AS $$
    SELECT to_date(right(c.relname, 7), 'YYYY_MM')
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'public.flow_executions'::regclass
    ORDER BY 1
$$
"""

# LIKE + ATTACH waits less than CREATE .. PARTITION OF. A month is made whole, parent first. Row-level security is on
# and without a policy: rows are reached through the parent, which has one.
ENSURE_PARTITIONS = """
CREATE FUNCTION public.ensure_partitions(month_from date, month_to date) RETURNS integer
{plpgsql} SET lock_timeout = '500ms' SET timezone = 'UTC' AS $$
DECLARE
    month date := date_trunc('month', month_from)::date;
    parent text;
    child text;
    made integer := 0;
BEGIN
    IF month_to > month_from + 12 * 366 THEN
        RAISE EXCEPTION 'ensure_partitions makes at most twelve years at once';
    END IF;
    WHILE month <= month_to LOOP
        FOREACH parent IN ARRAY ARRAY['flow_executions', 'agent_executions', 'tool_executions', 'spans', 'usage_ledger']
        LOOP
            child := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass('public.' || child) IS NOT NULL;
            PERFORM pg_advisory_xact_lock(hashtext('agenticbuilder partitions'));
            -- A query, since to_regclass may still remember that there was none before we waited.
            CONTINUE WHEN EXISTS (
                SELECT FROM pg_class WHERE relname = child AND relnamespace = 'public'::regnamespace
            );
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL)', child, parent);
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', child);
            EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, {app_role}', child);
            EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, month::timestamptz, (month + interval '1 month')::timestamptz);
            made := made + 1;
        END LOOP;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$
"""

# The parent is locked first: with any other order writers of parent and child were killed by deadlocks. The caller
# retries after 55P03 and 40P01. The ledger of a month stays, sums over the past stay true.
DROP_PARTITIONS = """
CREATE FUNCTION public.drop_partitions(before date) RETURNS integer
{plpgsql} SET lock_timeout = '500ms' SET timezone = 'UTC' AS $$
DECLARE
    month date;
    parent text;
    dropped integer := 0;
BEGIN
    IF date_trunc('month', before) > date_trunc('month', now()) THEN
        RAISE EXCEPTION 'drop_partitions keeps the present month';
    END IF;
    FOR month IN SELECT m FROM public.partition_months() m WHERE m < date_trunc('month', before)::date LOOP
        LOCK TABLE public.flow_executions IN ACCESS EXCLUSIVE MODE;
        FOREACH parent IN ARRAY ARRAY['agent_executions', 'tool_executions', 'spans', 'flow_executions'] LOOP
            EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent,
                           parent || to_char(month, '_YYYY_MM'));
            EXECUTE format('DROP TABLE public.%I', parent || to_char(month, '_YYYY_MM'));
        END LOOP;
        DELETE FROM public.trace_index
        WHERE flow_created_at >= month::timestamptz AND flow_created_at < (month + interval '1 month')::timestamptz;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$
"""

FUNCTIONS = (
    "first_run_needed()",
    "auth_session(bytea)",
    "auth_api_key(text)",
    "auth_invitation(bytea)",
    "auth_share(bytea)",
    "my_organizations(uuid)",
    "organizations_due(text)",
    "search_execution_errors(text, timestamptz, timestamptz, integer)",
    "partition_months()",
    "ensure_partitions(date, date)",
    "drop_partitions(date)",
)


def upgrade() -> None:
    _grant_tables()
    ddl.protect((*TENANT_TABLES, *SHIPPED, *APPEND_ONLY))
    ddl.protect(("organizations",), column="id")
    ddl.show_shipped(SHIPPED)
    _create_functions()
    ddl.grant_functions(FUNCTIONS)
    op.execute("SELECT ensure_partitions(current_date, (current_date + interval '3 months')::date)")


def _grant_tables() -> None:
    ddl.grant((*TENANT_TABLES, *SHIPPED, *OPEN_TABLES, "organizations"))
    ddl.grant(APPEND_ONLY, "SELECT, INSERT")
    ddl.grant(READ_ONLY, "SELECT")


def _create_functions() -> None:
    words = {language: DEFINER.format(language=language) for language in ("sql", "plpgsql")}
    words |= {"tenant": TENANT, "app_role": app_role()}
    for text in (FIRST_RUN_NEEDED, AUTH_SESSION, AUTH_API_KEY, AUTH_INVITATION, AUTH_SHARE, MY_ORGANIZATIONS):
        op.execute(text.format(**words))
    for text in (ORGANIZATIONS_DUE, SEARCH_EXECUTION_ERRORS, PARTITION_MONTHS, ENSURE_PARTITIONS, DROP_PARTITIONS):
        op.execute(text.format(**words))


def downgrade() -> None:
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    for table in SHIPPED:
        op.execute(f"DROP POLICY shipped ON {table}")
    for table in (*TENANT_TABLES, *SHIPPED, *APPEND_ONLY, "organizations"):
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    everything = (*TENANT_TABLES, *SHIPPED, *APPEND_ONLY, *OPEN_TABLES, *READ_ONLY, "organizations")
    op.execute(f"REVOKE ALL ON {', '.join(everything)} FROM {app_role()}")
