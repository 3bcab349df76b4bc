"""Who plays: a module for each source, named as its type, with one `ACTOR`.

The story: a ferry company's board shows yesterday's departures. It is told in Linear, moved to the
team that can mend it, taken up in GitHub and mended there. Everybody and everything is invented.
"""
