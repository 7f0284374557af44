"""The one exception that means: what the user gave cannot be used."""


class InputError(ValueError):
    """Bad input, said in one sentence: what was given, what is allowed, what to do."""
