"""`twin dlq`: look at what no retry could make good, and send it again."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twin_common.dead_letter import reasons
from twin_local.cli.options import JsonOption
from twin_local.connection import Connection
from twin_local.dead_letters import DeadLetterTopics, LetterFacts, show_value
from twin_local.errors import PlatformError

console = Console(highlight=False)
_CONFIRM_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    letters = typer.Typer(help="Messages that no retry could make good.", no_args_is_help=True)
    letters.command("list")(list_letters)
    letters.command("show")(show)
    letters.command("redrive")(redrive)
    app.add_typer(letters, name="dlq")


def list_letters(as_json: JsonOption = False) -> None:
    """Count the waiting letters by topic and reason, with the age of the oldest; then name each."""
    letters = _topics().waiting()
    if as_json:
        rows = [
            {
                "place": letter.place,
                "reason": letter.reason,
                "detail": letter.detail,
                "attempt": letter.attempt,
                "failed_at": letter.failed_at.isoformat() if letter.failed_at else None,
            }
            for letter in letters
        ]
        print(json.dumps(rows))
        return
    groups: dict[tuple[str, str], list[LetterFacts]] = defaultdict(list)
    for letter in letters:
        groups[letter.topic, letter.reason].append(letter)
    table = Table("letters", "oldest", "reason", "topic", box=None)
    for (topic, reason), group in sorted(groups.items()):
        table.add_row(str(len(group)), _age(group), reason, topic)
    console.print(table if letters else "No dead letter waits.")
    for letter in letters:
        text = f"{letter.place}  {letter.reason}  attempt {letter.attempt}  {letter.detail[:120]}"
        console.print(show_value(text.encode()), markup=False, soft_wrap=True)


def show(place: Annotated[str, typer.Argument(help="topic/partition/offset, as the list says.")]) -> None:
    """Show one letter whole: its headers, its key and its value."""
    letter = _topics().find(place)
    for name, value in letter.headers:
        console.print(f"{show_value(name.encode())}: {show_value(value)}", markup=False, soft_wrap=True)
    console.print(f"key: {show_value(letter.key)}", markup=False, soft_wrap=True)
    console.print(show_value(letter.value), markup=False, soft_wrap=True)


def redrive(
    place: Annotated[str | None, typer.Argument(help="One letter: topic/partition/offset.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every letter that waits.")] = False,
    reason: Annotated[str | None, typer.Option(help="Those with this reason.")] = None,
) -> None:
    """Send letters to where they came from, with their key and bytes, counting the attempts."""
    from twin_feature_stream.message_sink import ConfirmedPublisher
    from twin_feature_stream.readiness import StopSignal

    if sum((place is not None, everything, reason is not None)) != 1:
        raise PlatformError("say which: one letter's place, --reason REASON or --all")
    topics = _topics()
    if place is not None:
        letter_reason = reasons(topics.find(place).headers).get("error_reason", "unknown")
        console.print(f"{place}: {letter_reason}", markup=False, soft_wrap=True)

    def wanted(letter: LetterFacts) -> bool:
        return everything or letter.place == place or (reason is not None and letter.reason == reason)

    publisher = ConfirmedPublisher(Connection.find().kafka, StopSignal(), _CONFIRM_SECONDS)
    console.print(f"{topics.redrive(wanted, publisher.publish)} sent again")


def _topics() -> DeadLetterTopics:
    return DeadLetterTopics(Connection.find().kafka)


def _age(letters: list[LetterFacts]) -> str:
    times = [letter.failed_at for letter in letters if letter.failed_at is not None]
    return (
        str(timedelta(seconds=int((datetime.now(UTC) - min(times)).total_seconds()))) if times else "unknown"
    )
