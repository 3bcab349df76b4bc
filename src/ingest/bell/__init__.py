"""The bell, that is how workers are woken: Celery's app, wake-up messages, beat's schedule.

A wake-up says "there is work" and nothing else; what work is due stands in PostgreSQL. So a message
may be lost, doubled or late: what nobody heard is swept. The edges (receiver, command line,
library, worker) ring here, and none imports another.
"""
