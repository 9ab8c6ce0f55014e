"""What a user can mend: an error whose message says what is wrong, where, and what to do about it."""

import re

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class UserError(Exception):
    """Shown without a traceback. The message names the file (and row and field, if any) and the remedy."""


def described(error: BaseException, longest: int = 200) -> str:
    """The kind of an error and its words as a table may hold them: the same on every machine and in every run.

    What another package raises may quote an object, and with it the address at which it happened to lie in memory.

    Sample: `UnidentifiedImageError: cannot identify image file <_io.BytesIO object>`
    """
    return f"{type(error).__name__}: {_ADDRESS.sub('', str(error))[:longest]}"
