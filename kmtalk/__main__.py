"""The command line: python -m kmtalk animate | evaluate | corpus | train | doctor."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kmtalk.errors import InputError
from kmtalk.version import VERSION

if TYPE_CHECKING:
    from kmtalk.face import Face
    from kmtalk.models.kmtalk import KMTalk

FORMATS = ("mp4", "npz", "json", "TextGrid", "glb", "csv", "obj.zip")
DEFAULT_FORMATS = "mp4,npz,json,TextGrid"


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
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="kmtalk: %(message)s")
    try:
        return options.run(options)
    except InputError as error:
        return _fail(error, 2)
    except (OSError, RuntimeError, MemoryError) as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("stopped", 130)


def _fail(error: object, code: int) -> int:
    print("kmtalk:", " ".join(_words(error).split()), file=sys.stderr)
    return code


def _words(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _say(text: object) -> None:
    """Print a line; a reader who has gone, such as `head`, does not stop the work."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m kmtalk", description="Speech in, an animated 3D talking face out.")
    parser.add_argument("--version", action="version", version=f"kmtalk {VERSION}")
    parser.add_argument("--verbose", action="store_true", help="say what is being done")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for add in (_add_animate, _add_evaluate, _add_corpus, _add_train, _add_doctor):
        add(commands)
    return parser


def _add_animate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("animate", help="make a face speak recordings")
    parser.add_argument("speech", nargs="+", type=Path, help="sound or video files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")
    listed = f"some of {', '.join(FORMATS)}, with commas between (default: {DEFAULT_FORMATS})"
    parser.add_argument("--formats", default=DEFAULT_FORMATS, metavar="LIST", help=listed)
    parser.add_argument("--model", metavar="DIR_OR_HUB_ID", help="a checkpoint (default: the shipped one)")
    parser.add_argument("--revision", help="branch, tag or commit of a checkpoint on the Hub")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--transcript", metavar="TEXT", help="what is said, in English, for better phonemes")
    told.add_argument(
        "--alignment", type=Path, metavar="FILE.TextGrid", help="a TextGrid whose phones are taken as they are"
    )
    parser.add_argument(
        "--keys",
        choices=("phonemes", "uniform"),
        default="phonemes",
        help="where the key frames are: at the phonemes' boundaries (default), or every third frame",
    )
    parser.add_argument("--face", default="ari", help="ari (default), ben, cleo, or a folder with head.npz")
    parser.add_argument("--camera", default="front", help="front (default), three-quarter or close")
    parser.add_argument("--fps", type=float, default=25.0, help="frames a second, 20 to 120 (default: 25)")
    parser.add_argument("--size", type=int, default=512, help="pixels of the square video, even (default: 512)")
    parser.add_argument(
        "--renderer", choices=("moderngl", "pyrender"), default="moderngl", help="what draws (default: moderngl)"
    )
    parser.add_argument("--no-life", action="store_true", help="no blinks, gaze, brows and head motion")
    parser.add_argument("--seed", type=int, default=0, help="of blinks, gaze, brows and head motion (default: 0)")
    parser.add_argument("--device", default="cpu", help="where the model runs: cpu (default), cuda or auto")
    parser.set_defaults(run=_animate)


def _animate(options: argparse.Namespace) -> int:
    from kmtalk.animate import load_model
    from kmtalk.batch import find_recordings, make_folder, spare_sources
    from kmtalk.face import load_face
    from kmtalk.render.camera import find_camera
    from kmtalk.render.frames import frame_size

    formats = _formats(options.formats)
    recordings = find_recordings(options.speech)
    if len(recordings) > 1 and (options.transcript is not None or options.alignment is not None):
        raise InputError(f"a transcript or an alignment is of one recording, {len(recordings)} were given: give one")
    if "mp4" in formats:
        frame_size(options.size), find_camera(options.camera)
    face = load_face(options.face)
    make_folder(options.out)
    targets = [options.out / f"{recording.stem}.{name}" for recording in recordings for name in formats]
    spare_sources([*recordings, *filter(None, [options.alignment])], targets)
    model = load_model(options.model, options.device, options.revision)
    code = 0
    for recording in recordings:
        try:
            for written in _animate_one(recording, model, face, formats, options):
                _say(written)
        except InputError as error:
            code = _fail(error, 2)
        except (OSError, RuntimeError, MemoryError) as error:
            code = max(code, _fail(f"{recording}: {_words(error)}", 1))
    return code


def _animate_one(
    recording: Path, model: "KMTalk", face: "Face", formats: list[str], options: argparse.Namespace
) -> Iterator[Path]:
    from kmtalk.animate import animate
    from kmtalk.export import export
    from kmtalk.render import render

    animation = animate(
        recording,
        model=model,
        face=face,
        fps=options.fps,
        keys=options.keys,
        transcript=options.transcript,
        alignment=options.alignment,
        life=not options.no_life,
        seed=options.seed,
    )
    for name in formats:
        path = options.out / f"{recording.stem}.{name}"
        if name == "mp4":
            render(animation, path, size=options.size, renderer=options.renderer, camera=options.camera)
        else:
            export(animation, path)
        yield path


def _formats(listed: str) -> list[str]:
    known = {name.lower(): name for name in FORMATS}
    wanted = [name.strip() for name in listed.split(",") if name.strip()]
    if unknown := [name for name in wanted if name.lower() not in known]:
        raise InputError(f"no format {unknown[0]!r}: --formats takes {', '.join(FORMATS)}")
    if not wanted:
        raise InputError(f"--formats names no format: it takes {', '.join(FORMATS)}")
    return list(dict.fromkeys(known[name.lower()] for name in wanted))


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("evaluate", help="score a checkpoint on labelled voices and tracked faces")
    parser.add_argument("--speech", type=Path, required=True, help="folder with labelled/ and faces/ recordings")
    parser.add_argument("--model", metavar="DIR_OR_HUB_ID", help="a checkpoint (default: the shipped one)")
    parser.add_argument("--json", type=Path, help="write every clip's scores to this file")
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from kmtalk.animate import load_model
    from kmtalk.evaluate import evaluate, table, write_json

    if options.json and not options.json.parent.is_dir():
        raise InputError(f"{options.json} cannot be written: the folder {options.json.parent} does not exist")
    result = evaluate(options.speech, load_model(options.model))
    _say(table(result))
    if options.json:
        write_json(result, options.json)
    return 0


def _add_corpus(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("corpus", help="speak the training corpus with the installed speech engines")
    parser.add_argument(
        "--out", type=Path, default=Path("~/.cache/kmtalk/corpus"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument("--hours", type=float, default=6.0, help="hours of speech (default: 6)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all-voices", action="store_true", help="use voices under the GPL too")
    parser.set_defaults(run=_corpus)


def _corpus(options: argparse.Namespace) -> int:
    from kmtalk.data.synthetic import build_corpus

    def progress(done: float, name: str) -> None:
        _say(f"{done:4.0%} {name}")

    corpus = build_corpus(options.out, options.hours, options.seed, not options.all_voices, progress=progress)
    _say(f"{len(corpus)} clips, {corpus.duration / 3600:.2f} hours, in {options.out}")
    return 0


def _add_train(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("train", help="train a checkpoint on a spoken corpus")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path("~/.cache/kmtalk/corpus"),
        help="folder that `corpus` wrote (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a stopped run there is resumed")
    parser.add_argument("--hours", type=float, default=1.0, help="wall time of the whole run (default: 1)")
    parser.add_argument("--batch", type=int, default=16, help="clips of 3 s a step (default: 16)")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0 for all")
    parser.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> int:
    import torch

    from kmtalk.data.articulation import Articulation
    from kmtalk.data.bank import build_bank
    from kmtalk.data.synthetic import load_corpus
    from kmtalk.face import load_face
    from kmtalk.train import TrainConfig, train

    logging.getLogger("kmtalk").setLevel(logging.INFO)
    if options.threads:
        torch.set_num_threads(options.threads)
    face, out = load_face(), options.out.expanduser()
    bank = build_bank(load_corpus(options.corpus), Articulation(face), out / "bank")
    config = TrainConfig(
        hours=options.hours,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
        device=options.device,
    )
    train(bank, face, out, config)
    _say(f"checkpoint in {out / 'checkpoint'}")
    return 0


def _add_doctor(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("doctor", help="print what works on this machine")
    parser.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from kmtalk.doctor import examine

    findings = examine()
    for finding in findings:
        _say(f"{'ok     ' if finding.works else 'missing'} {finding.name:<12} {finding.said}")
    return 0 if all(finding.works for finding in findings if finding.needed) else 1


if __name__ == "__main__":
    program()
