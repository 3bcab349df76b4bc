"""The check-up of an installation: what is reachable, current, connected, and being worked on.

`database`, `disk`, `secrets`, `connections`, `subscriptions`, `syncs`, `names`, `queue`,
`clocks`, `retention`, `changes` and `sinks` give findings (`findings`), in this order; `readiness`
is what a receiver is asked. Law: it only looks, and what it tries is rolled back. Whatever is wrong
is a finding with its remedy; an exception is raised only for a database that goes away between two
checks.
"""

from ingest.flows.doctor.changes import look_at_changes
from ingest.flows.doctor.clocks import look_at_clocks
from ingest.flows.doctor.connections import Surroundings, look_at_connections
from ingest.flows.doctor.database import look_at_database
from ingest.flows.doctor.disk import look_at_data_dir, look_at_room
from ingest.flows.doctor.findings import Finding, State, failed, fine, note, unreachable
from ingest.flows.doctor.legacy import look_at_legacy
from ingest.flows.doctor.names import look_at_names
from ingest.flows.doctor.queue import look_at_queue
from ingest.flows.doctor.retention import look_at_retention
from ingest.flows.doctor.secrets import look_at_app_wide, look_at_sealed
from ingest.flows.doctor.sinks import look_at_sinks
from ingest.flows.doctor.subscriptions import look_at_one_subscription, look_at_subscriptions
from ingest.flows.doctor.syncs import look_at_syncs

__all__ = [
    "Finding",
    "State",
    "Surroundings",
    "failed",
    "fine",
    "look_at_app_wide",
    "look_at_changes",
    "look_at_clocks",
    "look_at_connections",
    "look_at_data_dir",
    "look_at_database",
    "look_at_legacy",
    "look_at_names",
    "look_at_one_subscription",
    "look_at_queue",
    "look_at_retention",
    "look_at_room",
    "look_at_sealed",
    "look_at_sinks",
    "look_at_subscriptions",
    "look_at_syncs",
    "note",
    "unreachable",
]
