"""The environment as settings, and what is wrong with it in words that name the variable and its purpose."""

from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

Settings = TypeVar("Settings", bound=BaseSettings)


def read(settings: type[Settings]) -> Settings:
    """The settings of this class from the environment.

    Raises:
        SystemExit: a variable is missing or wrong; the text has a line for each, without the value, which may
            be a secret.
    """
    try:
        return settings()
    except ValidationError as error:
        # Not chained: the original prints what was given.
        raise SystemExit("\n".join(explain(settings, error))) from None


def explain(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    """A line for each variable that is wrong."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        sentence = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:  # about several variables, which it names itself
            lines.append(sentence)
            continue
        name = str(problem["loc"][0])
        field = settings.model_fields[name]
        variable = f"{settings.model_config.get('env_prefix', '')}{name}".upper()
        purpose = " ".join((field.description or "").split()) or "see the service's README"
        wrong = "is not set" if problem["type"] == "missing" else f"is not usable: {sentence}"
        lines.append(f"{variable} {wrong}. What it is for: {purpose}")
    return lines
