"""``basecommerce run``: what a server runs."""

from __future__ import annotations

from functools import partial


def run(*, roles: str | None = None) -> None:
    """Run the roles of this process until SIGTERM or Ctrl-C, then drain.

    Parameters
    ----------
    roles
        Comma-separated: api, relay, engines (or some of engine:stock, engine:sales, engine:pricing,
        engine:delivery), scheduler. Default: ROLES.
    """
    from runtime import app
    from runtime.host.logs import configure_logs
    from runtime.host.program import run_in_loop
    from runtime.settings import load

    settings = load() if roles is None else load(roles=roles)
    configure_logs(settings.log_level, settings.log_format)
    run_in_loop(partial(app.run, settings))
