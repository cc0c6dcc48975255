"""Topics as the platform creates them."""

from twin_common.topics import ALL_TOPICS, DOCUMENT_CHANGES, Topic, dead_letter_topic


class TestTopics:
    def test_names_are_distinct_and_legal_for_kafka(self) -> None:
        names = [topic.name for topic in ALL_TOPICS]
        assert len(set(names)) == len(names)
        assert all(
            len(name) <= 249 and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for name in names
        )

    def test_only_the_changes_are_compacted_so_that_the_newest_of_each_document_stays(self) -> None:
        assert [topic for topic in ALL_TOPICS if topic.compacted] == [DOCUMENT_CHANGES]
        assert DOCUMENT_CHANGES.config == {"cleanup.policy": "compact"}

    def test_a_retention_is_told_in_kafkas_words(self) -> None:
        assert Topic("t", 1, retention_ms=5).config == {"cleanup.policy": "delete", "retention.ms": "5"}

    def test_a_dead_letter_topic_names_whose_letters_it_holds(self) -> None:
        topic = dead_letter_topic("crawl.requests.v1", "crawler")
        assert (topic.name, topic.partitions) == ("crawl.requests.v1.crawler.dlq", 1)
