"""Whether answers to questions hold the evidence that is known to answer them."""

from collections.abc import Sequence

from twin_trainer.evaluation.bootstrap import Measure, ratio
from twin_trainer.evaluation.material import Question
from twin_trainer.evaluation.style.words import function_words, words_of


def question_prompt(question: Question) -> str:
    """The question as a user asks it, with the passage that answers it where there is one."""
    if not question.passage:
        return question.question
    return (
        "Answer the question in one short sentence, using only the text.\n\n"
        f"Text: {question.passage}\n\nQuestion: {question.question}"
    )


def evidence_recall(questions: Sequence[Question], answers: Sequence[str]) -> Measure:
    """The share of the evidence's words that an answer holds, as the recall half of SQuAD's F1.

    Rajpurkar et al., SQuAD (2016). Answers are cut short when they are written, so repeating a whole passage
    gains nothing; function words are not counted, unless the evidence has no others.
    """
    shares = [_recall(question.evidence, answer) for question, answer in zip(questions, answers, strict=True)]
    return ratio(shares, [1.0] * len(shares))


def _recall(evidence: str, answer: str) -> float:
    words = set(_tokens(evidence))
    wanted = words - set(function_words("en")) or words
    return len(wanted & set(_tokens(answer))) / len(wanted) if wanted else 0.0


def _tokens(text: str) -> list[str]:
    return [*words_of(text), *(token for token in text.split() if any(map(str.isdigit, token)))]
