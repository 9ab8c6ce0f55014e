"""One file per benchmark: its subsets, how a row becomes an item, its official verdict, its tables.

Each imitates one public script, mistakes included, so that a score can stand beside published ones; `answers.grade` is
this project's own judgement. The rules are pure functions of text: nothing is executed, no answer is passed to a
symbolic parser, and every input is answered at once.
"""
