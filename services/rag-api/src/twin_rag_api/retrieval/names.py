"""The names in a question: what must occur in the sources if they are to answer it."""

import re

_WORD = re.compile(r"[^\s?!,;:\"“”„()\[\]{}]+")
_SENTENCE_END = re.compile(r"[.?!:]['\")\]]*\s+$")
_INNER_CAPITALS_DIGITS_OR_UNDERSCORE = re.compile(r"\w[A-Z]|\d|_")
_CAPITALISED = re.compile(r"[A-Z][a-z]{2,}")
_PLURAL_OF_ACRONYM = re.compile(r"([A-Z]{2,})s")
_ENGLISH = re.compile(r"\b(?:the|how|what|which|who|why|when|where|does|did|is|are|of)\b", re.IGNORECASE)
_MOST = 16


def names_in(question: str) -> list[str]:
    """Words that name one thing: codes, identifiers, acronyms, and capitalised words inside a sentence.

    Capitalised words count in English only: German capitalises every noun.
    """
    english = _ENGLISH.search(question) is not None
    found: dict[str, None] = {}
    for match in _WORD.finditer(question):
        word = match.group().strip(".'`*")
        starts_sentence = match.start() == 0 or _SENTENCE_END.search(question[: match.start()]) is not None
        marked = _INNER_CAPITALS_DIGITS_OR_UNDERSCORE.search(word) is not None
        capitalised = _CAPITALISED.match(word) is not None and english and not starts_sentence
        if marked or capitalised:
            plural = _PLURAL_OF_ACRONYM.fullmatch(word)
            found[plural.group(1) if plural else word] = None
    return list(found)[:_MOST]
