"""The commands of python -m kmtalk: each module has add(), its options, and imports what is slow when it is run."""

from kmtalk.commands import animate, compare, corpus, doctor, evaluate, figures, prepare, score, train

COMMANDS = (animate, compare, evaluate, corpus, prepare, score, figures, train, doctor)
"""In the order of the help."""
