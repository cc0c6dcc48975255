"""Sentences in a source that are meant for the model and not for the reader.

The rules look for what such a sentence has to do in order to work: speak to the model, set aside what it was
told, or order an answer word for word. They were fitted on articles about language models, which are the
hardest text there is for them: of these they take about one character in a hundred.
"""

import re
from functools import lru_cache

REMOVED = "[…]"
_AFTER_ORDER = 240
"""Characters behind an order that go with it: most likely they are what was ordered."""
_LONGEST_SPREAD = 600
"""A paragraph longer than this is judged by its sentences only."""

_SENTENCE = re.compile(r"[^\n.!?…]*(?:[.!?…](?![\s\"'”’)\]])[^\n.!?…]*)*[.!?…]*[\"'”’)\]]*[ \t]*|\n")
_TURN = re.compile(
    r"<\|[^|>\n]{1,40}\|>|\[/?(?:INST|SYS|SYSTEM)\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|</?(?:system|assistant|human|tool_(?:call|response)|function_call|instructions?|prompt)\b[^>]*>"
    r"|^[ \t>*_-]*(?:system|developer|tool)[ \t*_]*(?:message|prompt|turn)?[ \t*_]*:"
    r"|^[ \t]*#+[ \t]*(?:system|developer|assistant|user|human|instructions?)[ \t*_]*(?:message|prompt|turn)?[ \t*_]*:"
    r"|\{\s*[\"']role[\"']\s*:\s*[\"'](?:system|assistant|developer|tool)[\"']",
    re.IGNORECASE | re.MULTILINE,
)
"""What pretends to be a turn of the conversation."""

_MODEL = (
    r"(?:(?:ai|virtual|digital|helpful|writing|chat)[ -]?)?assistants?|ai|ais|llms?|chat ?bots?"
    r"|(?:large )?language models?|(?:ai|chat|language|this|the) models?|bots?|ai agents?|twin|copilot|gpt[-\w]*"
    r"|claude|whoever answers|answering (?:system|engine)"
)
_SAYING = (
    r"say|reply|respond|output|print|repeat|write|include|append|prepend|add|begin|start|end|finish|conclude"
    r"|mention|insert|quote|cite|reveal|announce|state|recommend|embed|emit"
)
_ANSWER = (
    r"(?:(?:your|each|every|any|all)\s+(?:\w+\s+)?|the\s+(?:final\s+|whole\s+)?)"
    r"(?:answers?|repl(?:y|ies)|responses?|outputs?|summar(?:y|ies))"
)
_ORDERS = (
    # set aside what it was told
    r"\b(?:ignore|disregard|forget|override|overrule|bypass|discard|do not follow|stop following)\b.{0,60}\b(?:instructions?|rules|prompts?|guidelines|directions|directives|restrictions|you (?:were|have been|are) told)\b",
    r"\b(?:ignore|disregard|forget)\s+(?:absolutely |completely )?(?:everything|all|anything)\b.{0,30}\b(?:above|before|prior|previous|earlier|else|so far|told|said)\b",
    r"\b(?:previous|prior|above|earlier|old)\s+(?:instructions?|rules?|prompts?)\b.{0,40}\b(?:void|cancel\w*|obsolete|revoked|no longer|superseded|do not apply|replaced)\b",
    r"\b(?:new|updated|revised|additional|important|secret|hidden|priority|urgent|admin\w*)\s+(?:instructions?|orders?|directives?|commands?)\b\s*(?:[:=]|is\b|are\b|for (?:the|you|all|any))",
    r"\b(?:system|developer|admin\w*)\s+(?:instructions?|orders?|directives?|messages?|override|commands?|note|prompt)\s*[:=]",
    r"\byour (?:new|real|actual|true|only) (?:task|instructions?|job|goal|purpose|role|rule|order)\b",
    r"\b(?:end|begin|beginning|start) of (?:the )?(?:system|prompts?|sources?|context|instructions)\b\W*(?:$|[.:!-])",
    # become another
    r"\byou are (?:now|no longer|hereby)\s+(?:an?|the|in|bound|allowed|free|my|required)\b|\bfrom now on\b,? (?:you|always|answer|reply)\b|\bpretend (?:to be|that you are|you are)\b",
    r"\b(?:act|behave|operate) as (?:if you|though you|an?|the)\b.{0,40}\b(?:unrestricted|admin\w*|system|dan|root|hacker|pirate)\b",
    r"\b(?:developer|debug|maintenance|god|dan|jailbreak|unrestricted) mode\b.{0,40}\b(?:on|enabled?|activ\w+|now|enter|you)\b",
    # speak to the model and tell it what to do
    rf"\b(?:{_MODEL})\b[^.;:]{{0,50}}\b(?:must|should|shall|has to|have to|needs? to|is to|are to|please|always|is required to|are required to)\b\s+(?:\w+\s+){{0,3}}?(?:{_SAYING}|obey|comply|answer (?:with|only|that))\b",
    rf"\b(?:note|notice|message|attention|reminder|instructions?|memo|directive|hint|tip)\s+(?:to|for)\s+(?:the |any |all |every )?(?:{_MODEL})\b|\b(?:attention|dear|hey|hello),?\s+(?:{_MODEL})\b\s*[,:!.]",
    rf"^\W*(?:{_MODEL})\s*[,:]\s*(?:please |now |you )*(?:must |should |always )?(?:{_SAYING}|answer|obey|ignore)\b",
    rf"\bif you are an?\s+(?:{_MODEL})\b|\bas an?\s+(?:{_MODEL})\b,?\s+you (?:must|should|shall|have to|are)\b",
    # order an answer word for word
    r"^\W*(?:\w+:\s*)?(?:(?:please|now|first|then|finally|instead|simply|just|also|always|only|you must|you should|and)[, ]+)*(?:say|reply|respond|answer|repeat)\s+(?:(?:only|exactly|just|simply|back|to everything|to every question|to all questions|to this)\s+)*(?:with\s+)?(?:only|exactly|verbatim|nothing but|after me|the (?:secret |code ?|following )?(?:word|phrase|string|token|sentence|text|code)|[\"“'`]|(?-i:[A-Z][A-Z0-9_-]{3,})\b)",
    r"\b(?:say|reply|respond|answer)\s+(?:only|exactly|nothing but|verbatim|with (?:only|exactly|the (?:code ?|secret |following )?(?:word|phrase|string|token|sentence|text)))\b",
    r"\b(?:say|print|output|repeat|write|echo|emit|state|include|mention|append)\s+(?:only |exactly |just )?(?:the )?(?:secret |code |magic |following )?(?:word|phrase|token|marker|canary|codeword|password|passphrase|string)\b",
    rf"\b(?:{_SAYING})\b.{{0,80}}\b(?:in|to|into|of|at|with|before|after)\s+{_ANSWER}(?=\W|$)",
    rf"\b(?:begin|start|end|finish|conclude|close|open|sign)\s+{_ANSWER}(?=\W|$)",
    rf"{_ANSWER}\s+(?:must|should|shall|has to|needs? to)\s+(?:\w+\s+)?(?:{_SAYING}|contain|be)\b",
    r"\b(?:when|whenever|if|once|every time)\s+(?:\w+\s+){0,3}?(?:asked|asks?|summari[sz]\w+|answering|reading this|read this|see this|process this)\b.{0,60}\b(?:say|reply|respond|answer with|answer that|mention|include|recommend|output|claim|print)\b",
    r"\b(?:cite|reference|quote) (?:this|it|me|us|that)\b.{0,30}\b(?:as|under|with)\b.{0,12}(?:\d|source)",
    # give away, or act
    r"\b(?:reveal|show|print|output|repeat|leak|disclose|send|tell|share|give|expose|dump|list|exfiltrate)\b.{0,40}\b(?:(?:your|the) (?:system |initial |hidden )?(?:prompt|instructions)|your (?:rules|configuration|context|memory|secrets?)|the (?:conversation|chat history) (?:so far|to|above))\b",
    r"\b(?:call|invoke|use|run|trigger)\b.{0,40}\b(?:tools?|functions?|plugins?|browser|shell|terminal)\b.{0,40}\b(?:to|and)\s+(?:send|delete|fetch|open|visit|post|e-?mail|download|upload|forward)\b",
    r"\b(?:visit|open|fetch|load|send|post|embed|click|follow|go to|request|navigate to|render|append|include|insert|add)\b.{0,80}https?://\S*[?={$]\S*",
    r"!\[[^\]]*\]\(\s*https?://[^)\s]*[?={$]",
    r"\bdo not (?:tell|inform|warn|let)\b.{0,30}\b(?:users?|anyone|readers?|humans?|owner)\b",
    # the same in other languages of Europe
    r"\b(?:ignorier\w*|missacht\w*|vergiss)\b.{0,50}\b(?:anweisung\w*|regeln|vorgaben|anleitung\w*)\b",
    r"\b(?:ignore[zr]?|oublie[zr]?)\b.{0,40}\b(?:instructions|consignes|règles)\b",
    r"\b(?:ignora|ignore|olvida|olvide)\b.{0,40}\b(?:instrucciones|reglas)\b",
    r"\b(?:ignorera|glöm|strunta i)\b.{0,40}\b(?:instruktion\w*|regler\w*)\b",
    r"\b(?:antworte|sage?|schreibe?)\s+(?:nur|genau|wörtlich|ausschließlich|immer)\b|\b(?:réponds|répondez|dis|dites|écris)\s+(?:seulement|uniquement|exactement|toujours)\b|\b(?:responde|di|escribe)\s+(?:solo|sólo|únicamente|exactamente|siempre)\b|\b(?:svara|skriv|säg)\s+(?:bara|endast|exakt|alltid)\b",
)
_ORDER = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _ORDERS)
_SUSPICIOUS = re.compile(
    r"ignor|disregard|forget|overr|bypass|discard|follow|previous|prior|above|earlier|instruct|order|directive|command"
    r"|prompt|your |you are|from now|pretend|act as|behave|operate as| mode\b|must|should|shall|ha(?:s|ve) to|needs? to"
    r"|is to|are to|please|required|note|notice|message|attention|dear|hey|hello|memo|hint|assistant|say|repl(?:y|ies)"
    r"|respond|answer|repeat|print|output|echo|emit|mention|append|include|begin|start|end of|finish|when|if |once|every|cite"
    r"|quote|reference|reveal|call|invoke|tool|https?:|do not|vergiss|missacht|oublie|olvid|glöm|strunta|antwort|sag|schreib"
    r"|répond|di[st]|écri|escrib|svar|skriv|säg",
    re.IGNORECASE,
)
"""Without any of these no rule can find anything; most sentences are passed by it at once."""


@lru_cache(4096)
def without_injection(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without what is meant for the model, and the names of the rules that found something.

    The same passages are found again and again, so that most texts are not read anew.
    """
    found: list[str] = []
    paragraphs = re.split(r"(\n[ \t]*\n)", text)
    return "".join(_cleaned(paragraph, found) for paragraph in paragraphs), tuple(dict.fromkeys(found))


def _cleaned(paragraph: str, found: list[str]) -> str:
    kept: list[str] = []
    following = 0
    for number, part in enumerate(_TURN.split(paragraph)):
        if number:
            found.append("false_turn")
            following = _AFTER_ORDER
            kept.append(REMOVED)
        for sentence in _SENTENCE.findall(part):
            if is_order(sentence):
                found.append("order")
                following = _AFTER_ORDER
                kept.append(REMOVED)
            elif following > 0 and sentence.strip():
                following -= len(sentence)
            else:
                kept.append(sentence)
    cleaned = "".join(kept)
    # An order may be spread over lines, or over marks that look like the end of a sentence.
    if len(paragraph) <= _LONGEST_SPREAD and REMOVED not in cleaned and is_order(cleaned):
        found.append("order")
        return REMOVED
    return cleaned


def is_order(sentence: str) -> bool:
    """Whether a sentence is meant for the model."""
    if not _SUSPICIOUS.search(sentence):
        return False
    plain = " ".join(re.sub(r"[*_~]", " ", sentence).split())
    return any(pattern.search(plain) for pattern in _ORDER)
