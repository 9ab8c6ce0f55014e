"""What a user can mend: an error whose message says what is wrong, where, and what to do about it."""


class UserError(Exception):
    """Shown without a traceback. The message names the file (and row and field, if any) and the remedy."""
