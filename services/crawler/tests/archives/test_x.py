"""X's account archive: threads, quotes, links, long texts, and what is left out."""

import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_crawler.archive import BadEntry, Entry, LeftOut, Owner, all_formats
from twin_crawler.archive_files import open_archive
from twin_crawler.testing.exports import assignment, replying, tweet, write_folder, write_zip, x_export

ADA = AuthorId("ada")


def read(root: Path, *tweets: dict[str, object], **files: str) -> list[Entry]:
    members = x_export(*tweets) | {name.replace("__", "/") + ".js": body for name, body in files.items()}
    return list(all_formats()["x"].read(open_archive(write_zip(root / "x.zip", members)), Owner(ADA)))


def texts(entries: list[Entry]) -> list[str]:
    return [entry.text for entry in entries if isinstance(entry, DocumentDraft)]


def left_out(entries: list[Entry]) -> Counter[str]:
    return Counter(entry.reason for entry in entries if isinstance(entry, LeftOut))


class TestTweets:
    def test_every_field_arrives(self, tmp_path: Path) -> None:
        (draft,) = read(tmp_path, tweet(1626922779105759235, "A thought &amp; more &lt;3"))
        assert isinstance(draft, DocumentDraft)
        assert draft.text == "A thought & more <3"
        assert draft.canonical_url == "https://x.com/ada/status/1626922779105759235"
        assert (draft.category, draft.platform, draft.title) == (Category.POST, "x", "")
        assert draft.published_at == datetime(2023, 2, 18, 12, 33, 11, tzinfo=UTC)
        assert (draft.language, draft.author_name) == ("en", "Ada Stone")

    def test_short_links_are_expanded_and_those_of_pictures_left_out(self, tmp_path: Path) -> None:
        entities = {
            "urls": [{"url": "https://t.co/a", "expanded_url": "https://example.org/long?a=1&b=2"}],
            "media": [{"url": "https://t.co/p", "expanded_url": "https://twitter.com/ada/status/1/photo/1"}],
        }
        (text,) = texts(read(tmp_path, tweet(1, "See https://t.co/a now https://t.co/p", entities=entities)))
        assert text == "See https://example.org/long?a=1&b=2 now"

    def test_of_a_quote_the_own_words_stay(self, tmp_path: Path) -> None:
        quote = "https://twitter.com/bob/status/77"
        entities = {"urls": [{"url": "https://t.co/q", "expanded_url": quote}]}
        entries = read(
            tmp_path,
            tweet(1, "So true https://t.co/q", entities=entities),
            tweet(2, "https://t.co/q", entities=entities),
        )
        first, second = entries
        assert isinstance(first, DocumentDraft)
        assert (first.text, first.metadata) == ("So true", {"quotes": quote})
        assert isinstance(second, LeftOut)

    def test_broken_entities_cost_nothing(self, tmp_path: Path) -> None:
        broken: list[object] = [None, [], {"urls": 3}, {"urls": [None, {"url": 3}]}]
        for entities in broken:
            assert texts(read(tmp_path, tweet(1, "Words https://t.co/a", entities=entities))) == [
                "Words https://t.co/a"
            ]

    def test_the_long_text_of_a_note_replaces_the_cut_one(self, tmp_path: Path) -> None:
        long = "Four score and seven years ago " * 15 + "the end https://t.co/n"
        note = {
            "noteTweet": {
                "noteTweetId": "5",
                "createdAt": "2023-02-18T12:33:11.000Z",
                "core": {
                    "text": long,
                    "urls": [{"shortUrl": "https://t.co/n", "expandedUrl": "https://e.org/n"}],
                },
            }
        }
        other = {"noteTweet": {"createdAt": "2023-02-18T12:33:11.000Z", "core": {"text": "Something else"}}}
        entries = read(
            tmp_path,
            tweet(1, long[:270] + "… https://t.co/z"),
            tweet(2, "Something short"),
            **{"data__note-tweet": assignment("note_tweet", [other, note])},
        )
        assert texts(entries) == [long.replace("https://t.co/n", "https://e.org/n"), "Something short"]


class TestWhatIsLeftOut:
    def test_retweets_and_replies_to_others(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            tweet(1, "RT @bob: words of Bob"),
            tweet(2, "@bob I agree", **replying(77, "7", "bob")),
            tweet(3, "Own words"),
        )
        assert texts(entries) == ["Own words"]
        assert left_out(entries) == {"retweet": 1, "reply to somebody else": 1}

    def test_deleted_tweets_are_never_read(self, tmp_path: Path) -> None:
        assert "deleted words" not in repr(read(tmp_path, tweet(1, "Own words")))

    def test_what_continues_a_reply_to_others_belongs_to_that_talk(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            tweet(2, "@bob I agree", **replying(1, "7", "bob")),
            tweet(3, "@bob and more", **replying(2)),
        )
        assert texts(entries) == []
        assert left_out(entries) == {"reply to somebody else": 2}


class TestThreads:
    def test_tweets_of_a_thread_are_one_post_in_their_order(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            tweet(30, "third", **replying(20)),
            tweet(5, "alone"),
            tweet(20, "@ada second", **replying(10)),
            tweet(10, "first"),
        )
        assert texts(entries) == ["alone", "first\n\nsecond\n\nthird"]
        thread = entries[1]
        assert isinstance(thread, DocumentDraft)
        assert thread.canonical_url.endswith("/status/10")
        assert thread.metadata == {"tweets": "3"}

    def test_a_thread_whose_start_was_deleted_begins_with_what_is_left(self, tmp_path: Path) -> None:
        entries = read(tmp_path, tweet(20, "second", **replying(10)), tweet(30, "third", **replying(20)))
        assert texts(entries) == ["second\n\nthird"]

    def test_a_thread_may_span_files(self, tmp_path: Path) -> None:
        part = assignment("tweets", [tweet(20, "second", **replying(10))], part=1)
        assert texts(read(tmp_path, tweet(10, "first"), **{"data__tweets-part1": part})) == [
            "first\n\nsecond"
        ]

    def test_a_circle_of_replies_ends(self, tmp_path: Path) -> None:
        entries = read(tmp_path, tweet(1, "a", **replying(2)), tweet(2, "b", **replying(1)))
        assert sorted("\n\n".join(texts(entries)).split("\n\n")) == ["a", "b"]


class TestLayouts:
    def test_old_archives_have_bare_tweets_and_another_name(self, tmp_path: Path) -> None:
        bare = [tweet(number, f"Old {number}")["tweet"] for number in (1, 2)]
        root = write_folder(tmp_path / "x", {"tweet.js": assignment("tweet", bare)})
        entries = list(all_formats()["x"].read(open_archive(root), Owner(ADA)))
        assert texts(entries) == ["Old 1", "Old 2"]
        assert isinstance(entries[0], DocumentDraft)
        assert (
            entries[0].canonical_url == "https://x.com/i/status/1"
        )  # no account.js: the address without a name

    def test_a_broken_record_is_named_and_the_next_is_read(self, tmp_path: Path) -> None:
        good = assignment("tweets", [tweet(1, "One"), tweet(2, "Two"), tweet(3, "Three")])
        broken = good.replace('"id_str": "2"', '"id_str": "2')
        entries = read(tmp_path, **{"data__tweets": broken})
        assert texts(entries) == ["One", "Three"]
        (bad,) = [entry for entry in entries if isinstance(entry, BadEntry)]
        assert bad.place == "data/tweets.js, record 2"
        assert "JSON" in bad.reason

    def test_records_without_text_date_or_id_are_named(self, tmp_path: Path) -> None:
        entries = read(
            tmp_path,
            tweet(1, "x", full_text=None),
            tweet(2, "x", created_at="yesterday"),
            tweet(3, "x", id_str=None),
            tweet(4, "good"),
        )
        assert texts(entries) == ["good"]
        reasons = [entry.reason for entry in entries if isinstance(entry, BadEntry)]
        assert [reason.split()[0] for reason in reasons] == ["no", "created_at", "no"]


class TestMemory:
    def test_it_does_not_grow_with_the_archive(self, tmp_path: Path) -> None:
        """Only ids are held, and the tweets of threads."""
        peaks = []
        for count in (500, 2_000):
            tweets = [tweet(number, f"Tweet {number} " + "of some words " * 15) for number in range(1, count)]
            files = open_archive(write_zip(tmp_path / f"{count}.zip", x_export(*tweets)))
            tracemalloc.start()
            seen = sum(1 for _ in all_formats()["x"].read(files, Owner(ADA)))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert seen == count - 1
        assert peaks[1] < 1.6 * peaks[0]
