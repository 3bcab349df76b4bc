"""Subscriptions: what a provider was told of our route, and what it failed to send there.

`subscribe` (made, mended, looked at), below `urls` (where we are reached). `missed` is the loop
that looks into providers' logs of failed deliveries: a `recovery` walks one, `bring_in` has each
delivery come, and `failing` says what becomes of a recovery that is hindered.
"""
