"""Options that several commands have."""

from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="For scripts.")]
AuthorOption = Annotated[
    str | None, typer.Option("--author", help="Whose twin; needed when there are several.")
]
