"""What answers say of themselves."""

from twin_rag_api.generation.engines import Notice, Task
from twin_rag_api.retrieval.passages import EVERYTHING, Found
from twin_rag_api.retrieval.wished_filters import told

NOTHING_FOUND = "I found nothing in the author's documents that answers this question."
MODEL_FAILED = "The language model did not answer; these passages of the sources come closest:"
MODEL_BROKE_OFF = "\n\nThe language model broke off here; these passages of the sources come closest:"
NO_TEXT = "The language model did not write this; here are its points, and what the sources say on each:"
TEXT_BROKE_OFF = (
    "\n\nThe language model broke off here; these are the points, and what the sources say on each:"
)
STOPPED = {
    "circuit_open": Notice(
        "model_paused", "The language model keeps failing and is left alone for a moment."
    ),
    "repetition": Notice("model_stopped", "The language model repeated itself without end and was stopped."),
    "garbage": Notice("model_stopped", "The language model wrote what is no text and was stopped."),
    "prompt_leak": Notice("model_stopped", "The language model recited its instructions and was stopped."),
}
FAILED = Notice("model_failed", "The language model did not answer.")
BROKE_OFF = Notice("model_broke_off", "The language model broke off.")
CUT_OFF = Notice("cut_off", "The text ends where the longest answer ends: ask for more with max_tokens.")


def told_of_quotes(task: Task, wrote: bool) -> str:
    """How quotes begin that stand in for a model."""
    if task.preset:
        return TEXT_BROKE_OFF if wrote else NO_TEXT
    return MODEL_BROKE_OFF if wrote else MODEL_FAILED


def notices_of_search(found: Found) -> tuple[Notice, ...]:
    """What the question asked for and did not get."""
    if found.dropped == EVERYTHING:
        return ()
    detail = f"Nothing that fits the question was found with {told(found.dropped)}: searched without that."
    return (Notice("filters_dropped", detail),)
