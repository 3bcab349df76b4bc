"""One budget for all processes that ask a provider: what was asked is counted in Redis.

`shared` says whether a request may leave; `tally` counts, by a library's limiter over Redis;
`trust` knows how far that is to be believed, and `line` how Redis is reached. Law: without Redis it
is slower and never wrong, nobody waits for it, and a live request always leaves.
"""
