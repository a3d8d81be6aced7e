"""``basecommerce``: the command line. Exit codes: 0 ok, 1 failed, 2 wrong usage."""

from __future__ import annotations

import sys
from importlib.metadata import version

import cyclopts

from runtime.errors import RefusedError, RetryLaterError, StartupError

app = cyclopts.App(
    name="basecommerce",
    help="Multi-tenant, event-driven commerce back office for building-material stores.",
    version=lambda: version("basecommerce"),
)
app.command("runtime.commands.run:run", name="run", help="Run the roles of this process until SIGTERM.")
app.command(
    "runtime.commands.dev:dev", name="dev", help="Run everything on servers of its own, with two demo stores."
)
app.command("runtime.commands.migrate:migrate", name="migrate", help="Bring the database schema up to date.")
app.command("runtime.commands.tenant:app", name="tenant", help="Create, list, suspend, move stores.")
app.command("runtime.commands.user:app", name="user", help="Create and disable users, reset passwords.")
app.command("runtime.commands.events:app", name="events", help="How far the pipeline is; dead letters.")
app.command("runtime.commands.engines:app", name="engines", help="Rebuild what engines know; retire one.")
app.command("runtime.commands.demo:app", name="demo", help="Fill a store with believable business.")
app.command(
    "runtime.commands.top:top", name="top", help="Watch servers, consumers and processes in the terminal."
)
app.command(
    "runtime.commands.doctor:doctor", name="doctor", help="Check this installation; say what to mend."
)
app.command(
    "runtime.commands.backup:backup", name="backup", help="Write a backup; --verify proves that it restores."
)
app.command(
    "runtime.commands.backup:restore", name="restore", help="Restore a backup into an empty database."
)
app.command("runtime.commands.openapi:openapi", name="openapi", help="Print the OpenAPI document of the API.")


def main() -> None:
    """Run the command of ``sys.argv`` and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; what went wrong is on standard error, a line each."""
    try:
        result = app(arguments, exit_on_error=False, result_action="return_value")
    except cyclopts.CycloptsError:
        return 2
    except StartupError as error:
        return _failed(*error.problems)
    except RefusedError as error:
        return _failed(error.en, *(f"{field.pointer}: {field.en}" for field in error.fields))
    except RetryLaterError as error:
        return _failed(f"not possible now: {error.reason}")
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _failed(*lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"basecommerce: {line}\n")
    return 1


if __name__ == "__main__":
    main()
