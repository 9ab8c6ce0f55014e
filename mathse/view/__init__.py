"""A local page to look at a run's rows, and with `--edit` to decide on them: `mathse view`.

tables.py    which tables there are, what is wrong with the others, what single rows have beyond the index
index.py     a DuckDB file under `.mathse/view` from which every page of any size of run is answered
filters.py   what a request may ask: a closed grammar, turned into conditions with bound parameters
rows.py      pages of paths and problems, words and phrases among them, two rounds or two models side by side
listing.py   rows by column, on a page and as a file
present.py   index rows as the pages show them; `mathse.report.text` cuts texts into steps and mathematics
charts.py    the report's charts in the page's colours
decisions.py what people say of paths: read from and written to `data/curation.jsonl`
revisions.py a table at two git revisions; running.py says what of the run is going on
site.py      what all pages share; pages.py has lists and rows, changes.py what is compared, edits.py what is decided
live.py      the pages follow the tables; server.py serves them, and guard.py stands before them
"""
