"""How a base is asked, the same in training and in serving, and which part of it is the answer.

A base keeps its own template. For training it is wrapped, so that the answer stands between
`{% generation %}` markers, which tell its tokens from the question's; wrapped, it renders the same text.
"""

import re
from typing import TYPE_CHECKING

from twin_trainer.base_checks import UnfitBaseModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARKER = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")
_WRAPPER = """{%- macro rendered(messages, add_generation_prompt) %}
OWN{% endmacro -%}
{%- set place = namespace(of_answer=-1) -%}
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}{%- set place.of_answer = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- set conversation = rendered(messages, add_generation_prompt) -%}
{%- set question = rendered(messages[:place.of_answer], true) if place.of_answer > 0 else '' -%}
{%- set answered = rendered(messages[:place.of_answer + 1], false) if place.of_answer > 0 else '' -%}
{%- if question and answered.startswith(question) and conversation.startswith(answered) -%}
{{- question -}}
{%- generation -%}{{- answered[question | length:] -}}{%- endgeneration -%}
{{- conversation[answered | length:] -}}
{%- else -%}{{- conversation -}}{%- endif -%}"""
_PROBE = [{"role": "user", "content": "Name a river."}, {"role": "assistant", "content": "The Elbe."}]


class UnfitChatTemplate(UnfitBaseModel):
    """The template does not let an answer be told from its question."""


def training_template(own: str) -> str:
    """A base's template with the last answer marked, its end token included; one with markers as it is.

    The answer is what the conversation says beyond the question with the prompt to answer it.
    """
    if _MARKER.search(own):
        return own
    return _WRAPPER.replace("OWN", own.removesuffix("\n"))


def serving_template(own: str) -> str:
    """The template without markers, which not every server knows; it renders the same text."""
    return _MARKER.sub("", own)


def check_template(name: str, tokenizer: "PreTrainedTokenizerBase", own: str) -> None:
    """See that exactly the answer is learnt, and that it ends.

    Raises:
        UnfitChatTemplate: the question is no prefix of question and answer, or the answer has no end token.
    """
    encoded = tokenizer.apply_chat_template(
        _PROBE, chat_template=training_template(own), return_dict=True, return_assistant_tokens_mask=True
    )
    pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
    learnt = [token for token, answer in pairs if answer]
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    remedy = "set chat_template in the training configuration to one with {% generation %} around answers"
    if _PROBE[1]["content"] not in tokenizer.decode(learnt) or _PROBE[0]["content"] in tokenizer.decode(
        learnt
    ):
        raise UnfitChatTemplate(f"the chat template of {name} does not set answers apart; {remedy}")
    if not special & set(learnt[-2:]):  # a line break may follow the end
        raise UnfitChatTemplate(
            f"the chat template of {name} ends an answer without a token that says so; {remedy}"
        )
