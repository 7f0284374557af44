"""The commands of python -m kmtalk: each module has add(), its options, and imports what is slow when it is run."""

from kmtalk.commands import animate, compare, corpus, doctor, evaluate, experiments, figures, prepare, score, train

COMMANDS = (animate, compare, evaluate, corpus, prepare, score, figures, train, experiments, doctor)
"""In the order of the help."""
