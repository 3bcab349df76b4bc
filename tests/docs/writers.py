"""Which processes write each table: what no statement tells, as it stands in who calls it.

A tick of the beat is heard by a worker or a syncer, who does the work. A test has each table here,
and none that there is not.
"""

from __future__ import annotations

from collections.abc import Mapping

APPLY = "worker, fetcher, syncer"
"""Deliveries, look-ups and sync runs all end in the same writing of documents."""
COMMANDS = "commands"
IMPORT = "`ingest legacy import`"

WRITERS: Mapping[str, str] = {
    "organizations": "commands (`ingest store`, `ingest organization`)",
    "workspaces": "commands (`ingest store`)",
    "stores": "commands (`ingest store`)",
    "docs_documents": f"{APPLY}; {IMPORT}",
    "connected_sources": f"commands (`ingest source`); counts, times and refusals {APPLY}",
    "store_sources": "commands (`ingest source`)",
    "ingestion_events": APPLY,
    "webhook_deliveries": "receiver (`ingest.enqueue` too: worker); settled by worker and fetcher; "
    "replayed by commands and the console, discarded by commands; deleted by worker (retention)",
    "document_ledger": APPLY,
    "withheld_documents": APPLY,
    "document_feeds": f"{APPLY}; commands (`ingest source`)",
    "document_aliases": APPLY,
    "folded_keys": APPLY,
    "document_chunks": APPLY,
    "document_references": APPLY,
    "connection_scopes": f"commands (`ingest source`); names that were learned {APPLY}",
    "source_credentials": "commands; receiver (a handshake); tokens that renew themselves fetcher, "
    "syncer",
    "connection_facts": "worker",
    "unsigned_times": "worker",
    "pending_bindings": "an older version; emptied by worker",
    "binding_notes": f"{APPLY}; emptied by them and by worker (a tick)",
    "space_names": APPLY,
    "lookups": "asked for by worker and syncer; worked on by fetcher",
    "lookup_waiters": "worker; ended by fetcher",
    "lookup_states": "fetcher",
    "connection_conditions": f"{APPLY}; commands (`ingest source`)",
    "connection_flags": f"{APPLY}; receiver (webhooks that it refuses); commands",
    "handshakes": "receiver; commands (`ingest source`)",
    "count_marks": f"{APPLY}; emptied by worker (a tick)",
    "bells": "rung by whoever writes what is due; heard by worker, fetcher, syncer",
    "schedule_slots": "worker, syncer (a tick)",
    "payload_drift": "worker",
    "schema_serves": "`ingest db upgrade`",
    "refused_messages": "worker",
    "refused_message_counts": "worker",
    "lookup_counts": "fetcher",
    "sync_runs": "asked for by commands, `ingest.sync` and worker (a tick); worked on by syncer; "
    "confirmed and cancelled by commands and the console",
    "sync_parts": "syncer",
    "sync_marks": "syncer",
    "sync_seen": "syncer; deleted by worker (retention)",
    "reprocess_runs": "asked for by commands; worked on by syncer",
    "sync_schedules": "commands (`ingest source update`)",
    "heartbeats": "receiver",
    "clocks": "receiver, worker, fetcher, syncer",
    "receiver_gaps": "receiver; deleted by worker (retention)",
    "subscriptions": "commands (`--create-webhook`, `ingest source doctor --fix`)",
    "missed_checks": "syncer",
    "missed_deliveries": "syncer",
    "legacy_imports": IMPORT,
    "orphan_documents": f"{IMPORT}; adopted by {APPLY}",
    "legacy_vector_entries": IMPORT,
    "trail_steps": f"{APPLY}; deleted by worker (retention)",
    "delivery_lookups": "worker",
    "lookup_attempts": "fetcher; deleted by worker (retention)",
    "document_outbox": "triggers, whoever writes documents; positions by who reads; deleted by "
    "worker (retention)",
    "outbox_head": "whoever reads the change feed; triggers (TRUNCATE)",
    "change_consumers": "whoever reads the change feed; syncer for sinks",
    "change_sinks": "commands (`ingest changes sink`); syncer",
}
"""By the table's name without `lightfast_`; `receiver` is the process `web`."""
