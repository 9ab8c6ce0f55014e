"""A local, read-only page to look at a run's rows: `mathse view`.

tables.py    which tables there are, what is wrong with the others, what single rows have beyond the index
index.py     a DuckDB file under `.mathse/view` from which every page of any size of run is answered
filters.py   what a request may ask: a closed grammar, turned into conditions with bound parameters
rows.py      pages of paths and problems, words and phrases among them, two rounds or two models side by side
text.py      a model's text cut into steps and mathematics, always as text to be escaped
present.py   index rows as the pages show them
charts.py    the report's charts in the page's colours
pages.py     the pages themselves; server.py serves them, and guard.py stands before them
"""
