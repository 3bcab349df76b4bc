"""The six providers' APIs as the demo and the tests play them: one module each, `make()` in it.

A seventh joins with a module here; `fake` serves it.
"""
