"""The embedded server's configuration files, written at every start; an operator's ALTER SYSTEM wins over them."""

from __future__ import annotations

import shutil
from pathlib import Path

MAX_CONNECTIONS = 200

# Only the superuser may come in by its operating-system user, every other role needs its password; no TCP at all.
HBA = """\
local all postgres peer map=operators
local all all scram-sha-256
local replication postgres peer map=operators
"""
IDENT = """\
operators root postgres
operators {user} postgres
"""

SETTINGS = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": str(MAX_CONNECTIONS),
    "max_locks_per_transaction": "256",  # one query over a year touches every month and each of its indexes
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it saves in queries of some milliseconds
    "synchronous_commit": "on",
    "wal_compression": "pglz",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "track_io_timing": "off",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "'../log'",
    "log_filename": "'postgresql-%a.log'",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",  # seven files, each a weekday
    "log_line_prefix": "'%m [%p] %q%u '",
    "log_lock_waits": "on",
    "log_parameter_max_length_on_error": "0",  # prompts do not belong into the log
}


def configuration() -> str:
    settings = dict(SETTINGS)
    shared_memory = Path("/dev/shm")
    if not shared_memory.exists() or shutil.disk_usage(shared_memory).total < 256 * 1024 * 1024:
        settings["dynamic_shared_memory_type"] = "sysv"  # a container's 64 MB are too few for parallel queries
    return "".join(f"{name} = {value}\n" for name, value in settings.items())
