"""The way out of a legacy database, and in: an archive is written, read, looked over.

`archive` is the reader, `manifest` what an archive says of itself, `lines` its rows, `writing` how
one comes into a directory whole or not at all; `export` fills one from a database, `checking` looks
whether one is sound.

`import_archive` brings one in, in the order of `importing`; `in_place` does all of it within one
database. What a legacy row becomes stands in `owners`, `repositories`, `ownership`, `documents` and
`commits`, which are pure; what is said of it in `reporting`; who writes it in the `…_rows`.
"""
