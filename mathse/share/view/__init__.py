"""A local, read-only page to look at a run's rows: `mathse view`.

tables.py    which tables there are, and what is wrong with the others
index.py     a DuckDB file under `.mathse/view` from which every page of any size of run is answered
filters.py   what a request may ask: a closed grammar, turned into conditions with bound parameters
statements.py   the SQL that builds it
rows.py      pages of paths, counts, one problem, one path
search.py    words and phrases, within the time a reader waits
pairs.py     two rounds, or two models' predictions, side by side
text.py      a model's text cut into steps and mathematics, always as text to be escaped
charts.py    the run's plots as Vega-Lite
guard.py     token, host, methods, security headers
details.py   what single rows have beyond the index
present.py   index rows as the pages show them
pages.py     the pages themselves; server.py serves them
"""
