"""What Alembic runs: the migrations, on the connection and in the transaction of the caller.

Only `ingest.store.upgrade` has it run (through `migrations` beside it), because an upgrade also
takes a lock, refuses databases that are not ours and adds source types; the `alembic` command by
itself would do none of that.
"""

from alembic import context

_connection = context.config.attributes.get("connection")
if _connection is None:
    raise SystemExit("run `ingest db upgrade`: it takes the lock that an upgrade needs")

context.configure(
    connection=_connection,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
