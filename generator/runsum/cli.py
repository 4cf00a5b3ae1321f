"""The command line: the group of all commands, and every complaint as one clear line."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import signal
import sys
import traceback
from functools import partial
from importlib import import_module
from typing import Any, NoReturn

import click

from runsum import __version__
from runsum.complaints import complaint, published
from runsum.errors import RunsumError, refused
from runsum.formatting import clean_text


class _UserError(click.ClickException):
    """Prints one line, redacted before, and ends with exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"runsum: {clean_text(self.format_message())}", err=True)


_COMMANDS = {"init": "starter", "build": "build", "watch": "watch", "check": "check", "csp": "csp", "demo": "demo"}
"""Each command and the room in `runsum.commands` that has it."""


class _Commands(click.Group):
    """Loads only the command that is called, and turns every complaint, ours and click's, into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"runsum.commands.{_COMMANDS[cmd_name]}"), cmd_name)
        return command

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.exceptions.NoArgsIsHelpError:
            raise  # `runsum` alone: the whole help, on its many lines
        except click.UsageError as error:
            raise _in_one_line(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except RunsumError as error:
            raise _UserError(complaint(error)) from error
        except click.UsageError as error:
            if error.ctx is None and ctx.invoked_subcommand:  # an option without its value does not say whose it is
                command = self.get_command(ctx, ctx.invoked_subcommand)
                error.ctx = click.Context(command, ctx, ctx.invoked_subcommand) if command else None
            raise _in_one_line(error) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # a pipe that is closed, by `head` for example, is for click, too
        except Exception as error:  # a mistake of ours: the whole trace, but nothing that a log must not show
            if isinstance(error, OSError) and _is_unheard(error):
                raise  # `main` says so
            if (told := refused(error)) is not None:
                raise _UserError(complaint(told)) from error
            click.echo(published(traceback.format_exc()), err=True)
            raise SystemExit(1) from None


def _in_one_line(error: click.UsageError) -> _UserError:
    said = published(error.format_message())
    return _UserError(f"{said if said.endswith(('.', '?', '!')) else f'{said}.'} {_next_step(error)}")


def _next_step(error: click.UsageError) -> str:
    """What to type instead, of the command that was meant as far as that is known."""
    command, path = (error.ctx.command, error.ctx.command_path) if error.ctx else (None, "runsum")
    if command is None or isinstance(command, click.Group):
        return "Type 'runsum --help' for the commands."
    if "extra argument" in error.message and any("--db" in param.opts for param in command.params):
        return f"A database is named by --db: type '{path} --db PATH'."
    return f"Type '{path} --help' for its options."


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="runsum")
def main_command() -> None:
    """Turn a database of training runs into a static, searchable archive."""


def main() -> None:
    """Entry point of the `runsum` command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # a name of any letters, and Windows' code page has 256
    if sys.argv[1:2] == ["build"]:
        gc.disable()  # millions of objects live to its end, hardly any of them in circles, and then all is over
        atexit.register(gc.freeze)  # neither is there anything to be gained by a last look at them
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # the terminal is closed
            if signal.getsignal(number) is signal.SIG_DFL:  # with nohup, nobody minds
                signal.signal(number, partial(_end, os.getpid()))
    try:
        main_command(prog_name="runsum")
    except OSError as error:
        if not _is_unheard(error):
            raise
        _end_unheard(error)


def _is_unheard(error: OSError) -> bool:
    """Whether it was raised while something was printed."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == click.echo.__module__


def _end_unheard(error: OSError) -> NoReturn:
    """End when a file that takes the output is full, for example."""
    said = f"runsum: the output cannot be written: {error.strerror}. Free some space, or send it elsewhere"
    with contextlib.suppress(OSError):
        click.echo(said, err=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())  # what waits would fail once more at the end of the interpreter
    raise SystemExit(_UserError.exit_code)


def _end(process: int, number: int, frame: object) -> None:
    """Leave in order when this process is told to end, so that those that read and render for it end as well."""
    if os.getpid() != process:  # one of those
        os._exit(128 + number)
    raise SystemExit(128 + number)
