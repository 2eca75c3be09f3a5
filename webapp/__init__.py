"""AgenticBuilder: which agent flows ran, what they cost, what failed and why.

``create_app`` is the only place that knows every blueprint.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask
from flask_compress import Compress
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.config import Settings, instance_secret

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings | None = None) -> Flask:
    """Build the WSGI application; opens no database connection."""
    settings = settings or Settings.from_environment()
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=instance_secret(Path(settings.data_dir)),
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=settings.max_body_bytes + 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        COMPRESS_MIMETYPES=["text/html", "application/json", "text/csv"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,
        COMPRESS_STREAMS=False,
    )
    app.url_map.strict_slashes = False  # an address with a slash at its end is no other page
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    _init_extensions(app)
    _init_kernel(app)
    _register_blueprints(app)
    return app


def engine_options(settings: Settings) -> dict[str, object]:
    """Pool and connection options of the application's engine; the pool sizes are the specification's defaults."""
    return {
        "pool_size": settings.pool_size,
        "max_overflow": settings.max_overflow,
        "pool_pre_ping": True,
        "pool_recycle": settings.pool_recycle,
        "pool_timeout": settings.pool_timeout,
        "connect_args": {
            "options": f"-c statement_timeout={settings.statement_timeout_ms}"
            " -c idle_in_transaction_session_timeout=30000 -c timezone=UTC",
            "application_name": "agenticbuilder",
        },
    }


def _init_extensions(app: Flask) -> None:
    from webapp.extensions import db, migrate

    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    Compress(app)


def _init_kernel(app: Flask) -> None:
    from webapp.web import assets, authentication, errors, headers, htmx, origin, shell

    htmx.init_app(app)
    errors.init_app(app)
    headers.init_app(app)
    origin.init_app(app)
    authentication.init_app(app)
    assets.init_app(app)
    shell.init_app(app)


def _register_blueprints(app: Flask) -> None:
    for blueprint in (*_programs(), *_pages(), *_pages_about_work()):
        app.register_blueprint(blueprint)


def _programs() -> tuple[Blueprint, ...]:
    """What programs talk to."""
    from webapp.api.health import bp as health
    from webapp.api.routes import bp as api
    from webapp.api.routes_flows import bp as api_flows
    from webapp.ingest.receive import bp as ingest

    return health, api, api_flows, ingest


def _pages() -> tuple[Blueprint, ...]:
    """Pages about people, the organization and what arrives."""
    from webapp.features.accounts.routes import bp as accounts
    from webapp.features.api_keys.routes import bp as api_keys
    from webapp.features.ingest.routes import bp as ingest_page
    from webapp.features.notifications.routes import bp as notifications
    from webapp.features.organizations.routes import bp as organizations
    from webapp.features.search.routes import bp as search
    from webapp.features.setup.routes import bp as setup
    from webapp.features.welcome.routes import bp as welcome

    return accounts, api_keys, organizations, setup, welcome, ingest_page, notifications, search


def _pages_about_work() -> tuple[Blueprint, ...]:
    """Pages about what runs and what it is built from."""
    from webapp.features.agents.routes_templates import bp as agents
    from webapp.features.alerts.routes import bp as alerts
    from webapp.features.compare.routes import bp as compare
    from webapp.features.executions.routes_detail import bp as executions
    from webapp.features.failures.routes_detail import bp as failures
    from webapp.features.failures.routes_incidents import bp as incidents
    from webapp.features.flow.routes import bp as flow
    from webapp.features.flow_editor.routes import bp as flow_editor
    from webapp.features.flow_imports.routes import bp as flow_imports
    from webapp.features.flow_versions.routes import bp as flow_versions
    from webapp.features.flows.routes import bp as flows
    from webapp.features.overview.routes import bp as overview
    from webapp.features.prompts.routes import bp as prompts
    from webapp.features.retries.routes import bp as retries
    from webapp.features.tools.routes import bp as tools

    return (
        overview,
        executions,
        compare,
        failures,
        incidents,
        flows,
        flow,
        flow_editor,
        flow_versions,
        flow_imports,
        agents,
        tools,
        prompts,
        retries,
        alerts,
    )
