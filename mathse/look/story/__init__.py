"""What changed in the training data between two models, and whether it helped: `mathse story 1 2`, on one screen.

document    what a story says: rows, problems, label noise, tests, and the same by subject and level
counts      what it counts in the tables, in SQL
telling     from two names to the document
text        the document in words, for a terminal, as Markdown, and for `mathse view`
"""
