"""`mathse diff`: what is different between two versions of a dataset, and what that means.

From a name to a page:

    names       what people call a dataset -> the Parquet file it is, in this project, at a revision, in another clone
    sides       a Parquet file as one side of a comparison: its columns, and the key that its rows are known by
    alignment   rows matched by key; stored hashes say which of them are the same, without reading what they hold
    values      matched rows compared value by value
    changes     the changed, added and removed rows as one table on disk, old values beside new ones
    reasons     why rows came and went: rejected, judged wrong, over a limit, no candidate
    meaning     what the changes mean for this kind of table: verdicts turned, problems won and lost, what shifted
    words       the difference of two texts, word by word
    document    all of it as one document; terminal, markdown and JSON print it
"""
