"""What each figure of a report means, for whoever reads it."""

from dataclasses import dataclass
from enum import StrEnum

from twin_trainer.evaluation.report import FigureName


class Group(StrEnum):
    """The questions that a report answers, in its order."""

    STYLE = "Does it write like the author?"
    ACCURACY = "Are its answers right?"
    MEMORISATION = "Does it repeat what it was trained on?"
    REGRESSIONS = "Has it forgotten or picked up anything?"


class Better(StrEnum):
    """In which direction a figure is good."""

    LOWER = "lower is better"
    HIGHER = "higher is better"
    AUTHOR = "near the author is better"


@dataclass(frozen=True)
class Description:
    """One figure in words."""

    title: str
    group: Group
    better: Better
    meaning: str
    digits: int = 3


FIGURES: dict[FigureName, Description] = {
    FigureName.BITS_PER_CHARACTER: Description(
        "Surprise at the author's text",
        Group.STYLE,
        Better.LOWER,
        "Bits a character of the author's held-out text costs the model; the same scale for every tokenizer.",
    ),
    FigureName.PERPLEXITY: Description(
        "Perplexity of the author's text",
        Group.STYLE,
        Better.LOWER,
        "How many tokens the model finds likely at each place of the author's held-out text.",
        1,
    ),
    FigureName.CONTROL_PERPLEXITY: Description(
        "Perplexity of other text",
        Group.STYLE,
        Better.LOWER,
        "The same of paragraphs that have nothing to do with the author: a fall here was not learnt there.",
        1,
    ),
    FigureName.AUTHOR_SPECIFIC_GAIN: Description(
        "Learnt from the author alone",
        Group.STYLE,
        Better.HIGHER,
        "Bits a character that the author's text gained against the base, less what other text gained.",
    ),
    FigureName.DELTA: Description(
        "Burrows' Delta",
        Group.STYLE,
        Better.LOWER,
        "Mean distance from the author in the use of function words, in standard deviations.",
    ),
    FigureName.AUTHORSHIP: Description(
        "Taken for the author",
        Group.STYLE,
        Better.HIGHER,
        "Mean probability by which a verifier over character n-grams takes the texts for the author's.",
    ),
    FigureName.VERIFIER_AUC: Description(
        "The verifier's own skill",
        Group.STYLE,
        Better.HIGHER,
        "Of pairs of a text of the author and one of another, how many it orders rightly; 0.5 is chance.",
    ),
    FigureName.FUNCTION_WORD_DISTANCE: Description(
        "Distance in function words",
        Group.STYLE,
        Better.LOWER,
        "Jensen-Shannon distance of the shares of function words: 0 alike, 1 nothing in common.",
    ),
    FigureName.PUNCTUATION_DISTANCE: Description(
        "Distance in punctuation",
        Group.STYLE,
        Better.LOWER,
        "The same of punctuation marks.",
    ),
    FigureName.EVIDENCE_RECALL: Description(
        "Evidence in the answers",
        Group.ACCURACY,
        Better.HIGHER,
        "Share of the words that answer a question, as known beforehand, that the answers hold.",
    ),
    FigureName.JUDGED_ACCURACY: Description(
        "Accuracy by a judge",
        Group.ACCURACY,
        Better.HIGHER,
        "A language model's grade, from 1 to 3.",
        2,
    ),
    FigureName.JUDGED_STYLE: Description(
        "Style by a judge",
        Group.STYLE,
        Better.HIGHER,
        "A language model's grade, from 1 to 3.",
        2,
    ),
    FigureName.LONGEST_COPIED_WORDS: Description(
        "Longest copied run",
        Group.MEMORISATION,
        Better.LOWER,
        "Words in a row that stand in the training text as well.",
        0,
    ),
    FigureName.COPIED_SHARE: Description(
        "Copied words",
        Group.MEMORISATION,
        Better.LOWER,
        "Share of words in runs of eight or more that stand in the training text.",
    ),
    FigureName.NOVELTY: Description(
        "New runs of words",
        Group.MEMORISATION,
        Better.HIGHER,
        "Share of runs of five words that stand nowhere in the training text.",
    ),
    FigureName.EXTRACTED_SHARE: Description(
        "Known by heart",
        Group.MEMORISATION,
        Better.LOWER,
        "Share of training texts that it goes on with word by word, for twenty words, from their beginning.",
    ),
    FigureName.CANARY_EXPOSURE: Description(
        "Exposure of secrets",
        Group.MEMORISATION,
        Better.LOWER,
        "Bits by which secrets of the training text rank before random ones; 1.4 by chance, 6 at most.",
        2,
    ),
    FigureName.GENERAL_ACCURACY: Description(
        "General knowledge",
        Group.REGRESSIONS,
        Better.HIGHER,
        "Share of thirty simple questions whose right answer it finds likeliest of four.",
    ),
    FigureName.REPETITION: Description(
        "Repetition",
        Group.REGRESSIONS,
        Better.AUTHOR,
        "Share of runs of four words that it had written before in the same document.",
    ),
    FigureName.REFUSALS: Description(
        "Refusals",
        Group.REGRESSIONS,
        Better.LOWER,
        "Share of texts that open by declining to write.",
    ),
    FigureName.OFFENSIVE_WORDS: Description(
        "Offensive words",
        Group.REGRESSIONS,
        Better.LOWER,
        "Insults and swear words in a thousand words, by a list.",
        2,
    ),
    FigureName.LENGTH_RATIO: Description(
        "Length",
        Group.REGRESSIONS,
        Better.AUTHOR,
        "Words for each word of the author's, where both had the same room.",
        2,
    ),
    FigureName.EMPTY_SHARE: Description(
        "Empty texts",
        Group.REGRESSIONS,
        Better.LOWER,
        "Share of texts with hardly a word.",
    ),
}


def told(name: FigureName, value: float) -> str:
    """A value with as many digits as it deserves."""
    return f"{value:.{FIGURES[name].digits}f}"
