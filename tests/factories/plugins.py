"""Plugins, their installation and their tools."""

from tests.factories.base import factory
from webapp.models import (
    Plugin,
    PluginAuditLog,
    PluginConfiguration,
    PluginDependency,
    PluginMetric,
    PluginSecurityScan,
    ScanSeverity,
    Tool,
)

make_plugin = factory(Plugin, name=lambda n: f"plugin-{n}", version="1.0.0")
make_plugin_configuration = factory(PluginConfiguration)
make_plugin_metric = factory(PluginMetric)
make_plugin_dependency = factory(PluginDependency)
make_plugin_audit_log = factory(PluginAuditLog)
make_plugin_security_scan = factory(PluginSecurityScan, severity=list(ScanSeverity)[0].value)
make_tool = factory(Tool, name=lambda n: f"tool {n}")
