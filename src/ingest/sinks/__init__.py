"""Pushes the change feed to where an operator wants it: a Redis stream, a Celery task, a webhook.

`pushing` is the loop, `message` what is sent, `contract` what a sink is; `redis_stream`,
`celery_task` and `webhook` are the three, `making` makes one of its row, `adding` its row of what a
person says. Law: nothing is acknowledged before it was taken, and nothing older follows what is
newer; what one sink does delays no other.
"""
