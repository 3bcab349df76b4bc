"""The console: what an operator sees of an installation in a browser. Rendered here, no script.

The receiver mounts `mount.console` where a password or an upstream's identity header is
configured, and imports nothing of this room otherwise. `desk` lets people in and answers; `pages`
names what is at which path, each file of it (`overview`, `deliveries`, …) reads what the command
line reads.
Law: no statement of SQL stands here, and no secret is shown.
"""
