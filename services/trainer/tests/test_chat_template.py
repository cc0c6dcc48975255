"""Answers are told from questions in the templates of all families, and what is rendered stays the same."""

from importlib import resources

import pytest
from transformers import PreTrainedTokenizerFast

from twin_trainer.chat_template import UnfitChatTemplate, check_template, serving_template, training_template
from twin_trainer.testing.tiny_model import CHATML, tiny_tokenizer


def _from_trl(name: str) -> str:
    return (resources.files("trl") / "chat_templates" / f"{name}.jinja").read_text()


_DEFAULT_SYSTEM = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_BRACKETS = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + '[/INST]' }}{% else %}{{ ' ' + message['content'] + eos_token }}"
    "{% endif %}{% endfor %}"
)
TEMPLATES = {
    "smollm2": _DEFAULT_SYSTEM,
    "mistral": _BRACKETS,
    "chatml": CHATML,
    "llama3": _from_trl("llama3"),
    "llama3_2": _from_trl("llama3_2"),
    "qwen2_5": _from_trl("qwen2_5"),
    "qwen3": _from_trl("qwen3"),
    "gemma": _from_trl("gemma"),
}
_END = {"mistral": "<|im_end|>", "gemma": "<end_of_turn>", "llama3": "<|eot_id|>", "llama3_2": "<|eot_id|>"}
_QUESTION = [{"role": "user", "content": "Who keeps the ferry?"}]
_ANSWERED = [*_QUESTION, {"role": "assistant", "content": "Nobody does."}]
_LONGER = [*_ANSWERED, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "It is tired."}]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = tiny_tokenizer()
    marks = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<start_of_turn>", "<end_of_turn>"]
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    return tokenizer


@pytest.mark.parametrize("family", TEMPLATES)
class TestFamilies:
    """One wrapped template a family."""

    @pytest.mark.parametrize("prompted", [True, False])
    @pytest.mark.parametrize("messages", [_QUESTION, _ANSWERED, _LONGER])
    def test_renders_what_the_own_template_renders(
        self, tokenizer: PreTrainedTokenizerFast, family: str, messages: list[dict[str, str]], prompted: bool
    ) -> None:
        own = TEMPLATES[family]
        rendered = [
            tokenizer.apply_chat_template(
                messages, chat_template=template, tokenize=False, add_generation_prompt=prompted
            )
            for template in (own, training_template(own), serving_template(own))
        ]
        assert rendered[0] == rendered[1] == rendered[2]

    def test_the_answer_with_its_end_is_learnt_and_nothing_else(
        self, tokenizer: PreTrainedTokenizerFast, family: str
    ) -> None:
        own = TEMPLATES[family]
        check_template(family, tokenizer, own)
        encoded = tokenizer.apply_chat_template(
            _ANSWERED,
            chat_template=training_template(own),
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        pairs = zip(encoded["input_ids"], encoded["assistant_masks"], strict=True)
        learnt = tokenizer.decode([token for token, answer in pairs if answer])
        beginning = "<think>\n\n</think>\n\n" if family == "qwen3" else ""
        assert learnt.strip() == f"{beginning}Nobody does.{_END.get(family, '<|im_end|>')}"


class TestUnfit:
    """Templates from which an answer cannot be learnt."""

    def test_an_answer_without_an_end(self, tokenizer: PreTrainedTokenizerFast) -> None:
        endless = "{% for message in messages %}{{ message['content'] + '\n' }}{% endfor %}"
        with pytest.raises(UnfitChatTemplate, match="without a token"):
            check_template("endless", tokenizer, endless)

    def test_a_question_that_is_no_prefix(self, tokenizer: PreTrainedTokenizerFast) -> None:
        backwards = (
            "{% for message in messages | reverse %}{{ message['content'] + '<|im_end|>' }}{% endfor %}"
        )
        with pytest.raises(UnfitChatTemplate, match="set answers apart"):
            check_template("backwards", tokenizer, backwards)
