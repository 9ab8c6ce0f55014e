"""`mathse diff`: what is different between two versions of a dataset, and what that means.

From a name to a page:

    names       what people call a dataset -> the Parquet file it is, in this project, at a revision, in another clone
    sides       a Parquet file as one side of a comparison: its columns, and the key that its rows are known by
    changes     rows matched by key and told apart; those that changed, came and went as one table on disk
    database    that table in a database: conditions choose among it
    reasons     why rows came and went: rejected, judged wrong, over a limit, no candidate
    meaning     what the changes mean for this kind of table: verdicts turned, problems won and lost, what shifted
    document    all of it as one document, and what is asked of it
    compare     from two datasets to the document
    text        values as text that is safe to show, and the difference of two texts, word by word
    printing    the document for a terminal, as Markdown and as JSON
"""
