"""MultiMath-300K: chat files in English and Chinese; see `mathse.sources.chat` for their rows."""

from mathse.sources import chat
from mathse.sources.adapter import Adapter, own_solutions

ADAPTER = Adapter("multimath", chat.problem, chat.rows, root=chat.root, recorded=own_solutions("multimath"))
