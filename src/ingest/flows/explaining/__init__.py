"""Why a document is as it is, for whoever doubts it; of what is stored, and nothing is written.

`explain` is the whole; `words` finds for each relationship who says so and where, `past` what came
in about the document and what became of it.
"""
