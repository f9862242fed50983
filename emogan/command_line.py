"""What all commands share: options are read as people type them, and any terminal or file can take what is printed."""

import codecs
import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Quote, QuotedString, Sweep
from hydra.errors import CompactHydraException, HydraException
from omegaconf import OmegaConf

from emogan.environment import config_dir
from emogan.keys import reason

FULL_ERROR = "HYDRA_FULL_ERROR"
INPUT_ERRORS = (ValueError, OSError, ImportError, FloatingPointError)  # what is wrong with the input
# Options that are paths, by the last part of their names: all that is typed belongs to the path.
# data.path takes a list of files, too.
READ = frozenset({"root", "path", "recordings", "trials", "checkpoint", "adapt"})
WRITTEN = frozenset({"out", "output", "folder", "store", "cache", "dir"})
OPTION = re.compile(r"(?P<key>\+{0,2}[\w/@.:-]+)=(?P<value>.*)", re.DOTALL)
WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\\\")  # backslashes in it part folders; elsewhere they may be Hydra's escapes
LIST = re.compile(r"\[[^][{}]*\]")
PART = re.compile(  # what stands between two commas
    r""" \s*(?: "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )\s*(?=,|$) | [^,]+ """, re.VERBOSE
)
PLAIN = str.maketrans("−–—×·↑↓≥≤…“”‘’", "---x*^v><.\"\"''")  # what tables and messages hold beyond ASCII


def run(main: Callable[[], object], explained: str | None = None) -> None:
    """Run a command that `hydra.main` made, after quoting the options that Hydra's grammar would misread.

    An option that cannot be read, or whose key does not exist, ends the process with exit code 1 and a sentence that
    says what to type. ``explained`` is the name of a command whose --help is its configuration file, see `explanation`.
    """
    let_output_be_written()
    if explained and {"--help", "-h"} & set(sys.argv[1:]):
        print(explanation(explained))
        return
    try:
        sys.argv[1:] = readable(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    if os.environ.get(FULL_ERROR) == "1":
        main()
        return
    os.environ[FULL_ERROR] = "1"  # has Hydra raise what it would print
    try:
        main()
    except (CompactHydraException, OSError) as error:
        print(f"{reason(error)}\n\nSet {FULL_ERROR}=1 for a complete stack trace.", file=sys.stderr)
        sys.exit(1)
    finally:
        os.environ.pop(FULL_ERROR)


def explanation(command: str) -> str:
    """The options of a command as its configuration files explain them, with the choices for groups of options."""
    folder = Path(config_dir())
    text = (folder / f"{command}.yaml").read_text(encoding="utf-8")
    lines, texts = [], [text]
    for default in OmegaConf.create(text).defaults:
        if isinstance(default, str):
            texts += [(folder / f"{default}.yaml").read_text(encoding="utf-8")] if default != "_self_" else []
        else:
            for group in default:
                if not group.startswith("override "):
                    (choice, own) = re.findall(rf"^ +- {group}: (\S+)(?: +# (.*))?$", text, re.MULTILINE)[0]
                    there = sorted(path.stem for path in (folder / group).glob("*.yaml"))
                    lines.append(f"{group}={choice}  # {own or ' | '.join(there)}")
    first, *rest = "\n".join(texts).splitlines()
    blocks = re.split(r"^(?=\S)", "\n".join(rest), flags=re.MULTILINE)
    lines += [block.rstrip("\n") for block in blocks if not block.startswith(("defaults:", "hydra:"))]
    last = (
        "An option is changed by NAME=VALUE. --cfg job shows all values, those of the groups too, which "
        "conf/GROUP/CHOICE.yaml explains."
    )
    return "\n".join([first.removeprefix("# "), "", *(line for line in lines if line), "", last])


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Have what is wrong with the input end a command with that sentence alone; HYDRA_FULL_ERROR=1 adds the stack."""
    try:
        yield
    except INPUT_ERRORS as error:
        raise CompactHydraException(str(error)) from error


def let_output_be_written() -> None:
    """Have standard output and standard error replace what their encoding lacks, where Python would raise an error."""
    codecs.register_error("emogan", _replace)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and stream.errors == "strict":
            stream.reconfigure(errors="emogan")


def path(text: str) -> Path:
    """A path as it is typed: where a shell has left it, ~ is the user's folder."""
    return Path(text).expanduser()


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """A similar character of ASCII, a minus for a minus, or else the escape sequence of a Python string."""
    if isinstance(error, UnicodeEncodeError):
        text = error.object[error.start : error.end].translate(PLAIN)
        return text.encode("ascii", "backslashreplace").decode(), error.end
    return codecs.backslashreplace_errors(error)


def readable(arguments: Sequence[str]) -> list[str]:
    """A command line with the options quoted that Hydra cannot read, or would read as something else than a path.

    What Hydra reads keeps its meaning: lists, sweeps, ``${...}``, quoted text. With -m (--multirun) a comma separates
    the values of a sweep; it belongs to a path that is written to, that exists as a whole or that is quoted.

    Raises
    ------
    ValueError
        If an argument is no option that can be read.
    """
    many = [word for word in arguments if word in ("-m", "--multirun")]  # argparse takes them in front alone
    arguments = many + [word for word in arguments if word not in many]
    known = get_args_parser().parse_args(arguments)
    if known.shell_completion:
        return arguments
    multirun = known.multirun or "hydra.mode=MULTIRUN" in known.overrides
    read = [
        _readable_option(argument, arguments[i - 1] if i else "", multirun) if argument in known.overrides else argument
        for i, argument in enumerate(arguments)
    ]
    return _left_to_jobs(read)


def _left_to_jobs(arguments: Sequence[str]) -> list[str]:
    """A sweep's command line in which the settings of a swept group, as of ``model=noise,mixup``, are swept as well.

    Hydra would apply a setting that is not swept to the group's default option first, which may not have it.
    """
    parser = OverridesParser.create()
    parsed = {text: parser.parse_override(text) for text in arguments if OPTION.fullmatch(text)}
    swept = {override.key_or_group for override in parsed.values() if override.is_sweep_override()}

    def left(text: str) -> str:
        override = parsed.get(text)
        if override is None or override.is_sweep_override() or override.key_or_group.partition(".")[0] not in swept:
            return text
        key, _, value = text.partition("=")
        quoted = '"null"' if value == "null" else value  # Hydra refuses choice(null), and gives its jobs null of this
        return f"{key}=choice({quoted})"

    return [left(text) for text in arguments]


def option(key: str, value: object) -> str:
    """KEY=VALUE to be pasted into a command line: of a shell, and of a command that `run` runs."""
    text = str(value)
    typed = f"{key}={text}"
    read = _parse(_readable_option(typed, "", False))
    if (read.text if isinstance(read, QuotedString) else read) != text or "${" in text:
        typed = f"{key}={_quoted(text)}"
    return subprocess.list2cmdline([typed]) if os.name == "nt" else shlex.quote(typed)


def command(module: str, *words: object) -> str:
    """python -m MODULE WORDS, to be pasted into a shell."""
    typed = ["python", "-m", module, *map(str, words)]
    return subprocess.list2cmdline(typed) if os.name == "nt" else shlex.join(typed)


def _readable_option(argument: str, before: str, multirun: bool) -> str:
    if argument[:1] == argument[-1:] == "'":  # Windows leaves quotes of this kind in place
        argument = argument[1:-1]
    found = OPTION.fullmatch(argument)
    if found:
        argument = f"{found['key']}={_readable_values(found['key'], found['value'], multirun)}"
    try:
        OverridesParser.create().parse_override(argument)
    except HydraException:
        raise ValueError(_advice(argument, before)) from None
    return argument


def _advice(argument: str, before: str) -> str:
    if "=" in before and "=" not in argument:
        return (
            f"expected OPTION=VALUE, got {argument!r}, which has no '='. If it belongs to the value before it, put "
            f"quotes around both: {shlex.quote(f'{before} {argument}')}"
        )
    return (
        f"expected OPTION=VALUE without spaces around '=', such as 'data.root=/data/SEED (1)' or 'n_aug=[50,200]', "
        f"got {argument!r}"
    )


def _readable_values(key: str, value: str, multirun: bool) -> str:
    """A value, or several of a sweep, in words that Hydra reads."""
    name, read = re.split(r"[./@+]", key)[-1], _parse(f"key={value}")
    if name in WRITTEN or (name in READ and os.path.exists(os.path.expanduser(value))):
        return _readable_path(value)
    readable_value = _readable_path if name in READ else _readable_value
    if LIST.fullmatch(value) and (name == "path" or (name not in READ and read is None)):
        return f"[{','.join(readable_value(part.strip()) for part in PART.findall(value[1:-1]))}]"
    if multirun and value.startswith(("[", "{")) and _is_by_commas(read):  # a list for each job
        return value
    if multirun and (read is None or _is_by_commas(read)):
        return ",".join(readable_value(part) for part in PART.findall(value))
    return readable_value(value)


def _readable_value(value: str) -> str:
    return value if value == "null" or _parse(f"key={value}") is not None else _quoted(value)


def _readable_path(value: str) -> str:
    read = _parse(f"key={value}")
    if isinstance(read, QuotedString):
        return _with_quotes(os.path.expanduser(read.text)) if read.text.startswith("~") else value
    if value.startswith("~"):
        return _quoted(os.path.expanduser(value))
    escapes = isinstance(read, str) and not WINDOWS_PATH.match(value) and read == value.replace("\\", "")
    function = isinstance(read, Sweep | Glob) and not _is_by_commas(read)  # glob(*), choice(a,b)
    return value if value == "null" or read == value or escapes or function else _quoted(value)


def _is_by_commas(read: object) -> bool:
    return isinstance(read, ChoiceSweep) and read.simple_form


def _parse(override: str) -> object:
    """The value of an override as Hydra's parser has it; None if it cannot be read, or null."""
    try:
        return OverridesParser.create().parse_override(override)._value
    except HydraException:
        return None


def _quoted(text: str) -> str:
    """A text that Hydra and OmegaConf read as it stands."""
    return _with_quotes(re.sub(r"(\\*)\$\{", r"\1\1\\${", text))


def _with_quotes(text: str) -> str:
    return QuotedString(text, Quote.double).with_quotes()
