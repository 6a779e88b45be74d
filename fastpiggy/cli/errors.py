"""The one kind of error that the command turns into a message and exit code 2."""


class CommandError(Exception):
    """Something that the person at the keyboard can mend: the message says what and how."""
