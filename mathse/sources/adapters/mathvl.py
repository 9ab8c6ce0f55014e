"""MathVL, and any other chat file of your own: see `mathse.sources.chat` for its rows."""

from mathse.sources import chat
from mathse.sources.adapter import Adapter, own_solutions

ADAPTER = Adapter("mathvl", chat.problem, chat.rows, root=chat.root, recorded=own_solutions("mathvl"))
