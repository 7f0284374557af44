"""The command line: python -m kmtalk COMMAND, one module of kmtalk.commands each."""

import argparse
import logging
import os
import signal
import sys
from typing import NoReturn

from kmtalk.commands import COMMANDS
from kmtalk.commands.terminal import fail
from kmtalk.errors import InputError
from kmtalk.version import VERSION


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other failure."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"kmtalk: {message} (see {self.prog} --help)\n")


def program() -> NoReturn:
    """What a shell starts: main(), which SIGTERM and SIGHUP stop as Ctrl-C does, so that no half-written file stays."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="surrogateescape")  # names of files are bytes, not always of this encoding
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    sys.exit(main())


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code: 0 all done, 2 bad input, 1 anything else that failed."""
    options = make_parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="kmtalk: %(message)s")
    try:
        return options.run(options)
    except InputError as error:
        return fail(error, 2)
    except (OSError, RuntimeError, MemoryError) as error:
        return fail(error, 1)
    except KeyboardInterrupt:
        return fail("stopped", 130)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands and their options."""
    parser = _Parser(prog="python -m kmtalk", description="Speech in, an animated 3D talking face out.")
    parser.add_argument("--version", action="version", version=f"kmtalk {VERSION}")
    parser.add_argument("--verbose", action="store_true", help="say what is being done")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for command in COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    program()
