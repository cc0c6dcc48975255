"""An author's habits are told from a stranger's."""

import random

from twin_rag_api.traces.style import StylePolicy, StyleProfile

PLAIN = ["the", "of", "and", "a", "to", "in", "is", "it", "that", "was", ".", ","]
ORNATE = ["whilst", "upon", "thus", "hence", "—", ";", "the", "of", "whereby", "!", "said", "which"]
TOPICS = ["harbour", "kafka", "index", "winter", "bread", "offset", "lamp", "river"]


def passage(habits: list[str], seed: int) -> str:
    draw = random.Random(seed)
    weights = range(len(habits), 0, -1)
    words = draw.choices(habits, weights, k=120) + draw.choices(TOPICS, k=40)
    draw.shuffle(words)
    return " ".join(words)


class TestScore:
    def test_the_authors_own_new_texts_lie_in_the_middle_and_a_strangers_at_the_end(self) -> None:
        profile = StyleProfile.of([passage(PLAIN, seed) for seed in range(60)])
        assert profile is not None
        own = [profile.score(passage(PLAIN, seed)) or 0 for seed in range(100, 140)]
        foreign = [profile.score(passage(ORNATE, seed)) or 0 for seed in range(100, 140)]
        assert 0.3 < sum(own) / len(own) < 0.7
        assert max(foreign) < 0.05

    def test_citations_are_no_style(self) -> None:
        profile = StyleProfile.of([passage(PLAIN, seed) for seed in range(60)])
        assert profile is not None
        text = passage(PLAIN, 7)
        assert profile.score(text.replace(" . ", " [1] . ")) == profile.score(text)

    def test_too_little_text_is_not_judged(self) -> None:
        policy = StylePolicy()
        few = [passage(PLAIN, seed) for seed in range(policy.least_passages - 1)]
        assert StyleProfile.of(few) is None
        profile = StyleProfile.of([*few, passage(PLAIN, 99)])
        assert profile is not None
        assert profile.score("Short.") is None
