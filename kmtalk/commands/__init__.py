"""The commands of python -m kmtalk: each module has add(), its options, and imports what is slow when it is run."""

from kmtalk.commands import animate, corpus, doctor, evaluate, train

COMMANDS = (animate, evaluate, corpus, train, doctor)
"""In the order of the help."""
