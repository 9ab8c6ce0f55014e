"""Drawn figure problems with known scenes, and what a teacher needs to mark them.

    pictures   what is drawn: triangles, rectangles, bar and line charts, grids; `draw` makes the image
    steps      the language of solutions: what one step can say, written and read back
    plans      how a problem is solved: a small program over readings, executed with or without a mistake
    families   the kinds of problem: a picture, a question in several wordings, a plan
    figures    problems by seed, split by content
    review     checks a path step by step, names the first wrong one and why
    sheet      a contact sheet to look at

The teacher that solves, annotates and reflects on them is `mathse.loop.ask.engines.teacher_only.solver`; the tiny base
that learns to read them is made by `tools.tiny_base`.
"""
