"""What an import takes and answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from handlers.tables.uploads import ImportProblemView
from runtime.web.fields import View


class RegisterImportQuery(BaseModel):
    """How the file is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dry_run: bool = Field(False, description="Only say what would be created, changed and refused")


class RegisterImportView(View):
    """What became of the rows. When ``complete`` is false, send the same file again to go on: rows that were taken
    are then counted as unchanged. ``errors`` has the first 200 of ``failed``."""

    dry_run: bool
    complete: bool
    rows: int
    created: int
    updated: int
    unchanged: int
    failed: int
    errors: list[ImportProblemView]
