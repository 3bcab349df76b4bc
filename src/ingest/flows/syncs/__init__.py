"""What a webhook missed comes back: runs of listings, a page at a time, through the same `apply`.

`drain` is the loop; `request` begins runs, `fetch` asks for a page, `settle` applies it, `failing`
says what a failure means, `ending` and `pruning` close a run. Who asks for one: `planning`, which
says when the next is due, a person (`control`, `changing`), a Celery client (`messages`).
"""
