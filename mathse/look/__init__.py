"""Looking at a run: what exists, its rows in SQL, a problem's story, a row's way, what anything was made from."""
