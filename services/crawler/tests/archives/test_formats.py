"""What every archive format promises, over all of them."""

import io
import stat
import tracemalloc
import zipfile
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from twin_common.documents import DocumentDraft
from twin_common.identity import AuthorId
from twin_crawler.archive import BadEntry, Entry, Owner, UnusableArchive, all_formats, choose_format
from twin_crawler.archive_files import open_archive
from twin_crawler.archive_members import ArchiveLimits
from twin_crawler.testing import exports
from twin_crawler.testing.exports import Members, write_folder, write_zip

LIMITS = ArchiveLimits()
OWNER = Owner(AuthorId("ada"))
FILLER = "".join(f"<p>Sentence {number} of a long text, {number * 7919 % 1000}.</p>" for number in range(300))


@dataclass(frozen=True)
class Sample:
    """An export, the addresses of its documents, and the member that damage is done to."""

    members: Members
    urls: frozenset[str]
    victim: str


SAMPLES = {
    "jsonl": Sample(
        {
            "a.jsonl": b"\n".join(
                orjson.dumps({"url": f"https://a.example.org/{number}", "text": f"Text {number}"})
                for number in range(3)
            ),
            "b.jsonl": orjson.dumps({"url": "https://a.example.org/b", "text": FILLER}),
        },
        frozenset(f"https://a.example.org/{end}" for end in ("0", "1", "2", "b")),
        "b.jsonl",
    ),
    "linkedin": Sample(
        {
            "Shares.csv": exports.table(
                exports.LINKEDIN_COLUMNS, exports.linkedin_row(7100000000000000001, "A post.")
            ),
            "Articles/Articles/one.html": exports.linkedin_article("One text", FILLER),
        },
        frozenset(
            (
                "https://www.linkedin.com/feed/update/urn:li:share:7100000000000000001",
                "https://www.linkedin.com/pulse/one-text-ada-stone",
            )
        ),
        "Articles/Articles/one.html",
    ),
    "medium": Sample(
        {
            "posts/2021-03-04_a.html": exports.medium_post(
                "A", exports.medium_headline("A") + "<p>Words.</p>"
            ),
            "posts/2021-03-05_b.html": exports.medium_post("B", exports.medium_headline("B") + FILLER, "b-1"),
        },
        frozenset(("https://medium.com/@ada/a-text-1a2b3c4d5e6f", "https://medium.com/@ada/b-1")),
        "posts/2021-03-05_b.html",
    ),
    "substack": Sample(
        {
            "posts.csv": exports.table(
                exports.SUBSTACK_COLUMNS, exports.substack_row("1.first"), exports.substack_row("2.second")
            ),
            "posts/1.first.html": "<p>Words.</p>" + exports.SUBSTACK_BUTTON,
            "posts/2.second.html": FILLER,
        },
        frozenset(("https://ada.substack.com/p/first", "https://ada.substack.com/p/second")),
        "posts/2.second.html",
    ),
    "x": Sample(
        {
            "data/account.js": exports.X_ACCOUNT,
            "data/tweets.js": exports.assignment(
                "tweets", [exports.tweet(1, "One."), exports.tweet(2, "Two.")]
            ),
            "data/tweets-part1.js": exports.assignment("tweets", [exports.tweet(3, FILLER)], part=1),
        },
        frozenset(f"https://x.com/ada/status/{number}" for number in (1, 2, 3)),
        "data/tweets-part1.js",
    ),
}
pytestmark = pytest.mark.parametrize("name", sorted(SAMPLES))


def read(path: Path, name: str, limits: ArchiveLimits = LIMITS) -> list[Entry]:
    files = open_archive(path, limits)
    found = list(choose_format(name, files).read(files, OWNER))
    return [BadEntry(files.name, files.damage), *found] if files.damage else found


def urls(entries: list[Entry]) -> frozenset[str]:
    return frozenset(entry.canonical_url for entry in entries if isinstance(entry, DocumentDraft))


def bad(entries: list[Entry]) -> list[BadEntry]:
    return [entry for entry in entries if isinstance(entry, BadEntry)]


def with_victim(name: str, path: Path, info: zipfile.ZipInfo, body: bytes) -> Path:
    """The sample with the victim replaced."""
    sample = SAMPLES[name]
    rest = {member: text for member, text in sample.members.items() if member != sample.victim}
    write_zip(path, rest)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(info, body, compress_type=zipfile.ZIP_DEFLATED)
    return path


class TestReading:
    def test_every_file_of_the_folder_is_a_format_with_a_sample_here(self, name: str) -> None:
        assert sorted(all_formats()) == sorted(SAMPLES)
        assert all_formats()[name].name == name

    def test_zip_and_folder_give_the_same_documents(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        zipped = read(write_zip(tmp_path / "a.zip", sample.members), name)
        unpacked = read(write_folder(tmp_path / "a", sample.members), name)
        assert urls(zipped) == sample.urls
        assert bad(zipped) == []
        assert sorted(zipped, key=repr) == sorted(unpacked, key=repr)

    def test_the_export_may_lie_in_a_folder_of_the_archive(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        nested = {f"export-2024/{member}": body for member, body in sample.members.items()}
        assert urls(read(write_zip(tmp_path / "a.zip", nested), name)) == sample.urls

    def test_every_document_is_complete(self, name: str, tmp_path: Path) -> None:
        for entry in read(write_zip(tmp_path / "a.zip", SAMPLES[name].members), name):
            assert isinstance(entry, DocumentDraft)
            assert entry.text.strip()
            assert "<p>" not in entry.text or name in ("x", "jsonl")
            assert entry.published_at is not None or name == "jsonl"
            assert entry.platform == (name if name != "jsonl" else "web")

    def test_another_products_archive_is_refused_by_name(self, name: str, tmp_path: Path) -> None:
        others = {other: sample for other, sample in SAMPLES.items() if other != name}
        for other, sample in others.items():
            path = write_zip(tmp_path / f"{other}.zip", sample.members)
            with pytest.raises(UnusableArchive, match=f"no {name} archive.*--format {other}"):
                read(path, name)

    def test_an_archive_of_nothing_known_is_refused(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(UnusableArchive, match=r"it holds 1 files \(photo.jpg"):
            read(write_zip(tmp_path / "a.zip", {"photo.jpg": b"\xff\xd8"}), name)


class TestDamage:
    @pytest.mark.parametrize("streamed", [False, True], ids=["sizes_before", "sizes_after"])
    def test_of_a_truncated_zip_file_the_whole_members_are_in(
        self, name: str, streamed: bool, tmp_path: Path
    ) -> None:
        sample = SAMPLES[name]
        whole = write_zip(tmp_path / "a.zip", sample.members)
        with zipfile.ZipFile(whole) as archive:
            cut = archive.getinfo(sample.victim).header_offset + 30 + len(sample.victim) + 200
        if streamed:
            target = _Unseekable()
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, body in sample.members.items():
                    archive.writestr(member, body)
            whole.write_bytes(target.getvalue())
            cut = target.getvalue().index(sample.victim.encode()) + len(sample.victim) + 200
        whole.write_bytes(whole.read_bytes()[:cut])
        entries = read(whole, name)
        assert urls(entries)
        assert any("cut off" in entry.reason for entry in bad(entries))
        assert len(bad(entries)) >= 2

    def test_a_flipped_byte_costs_its_member_only(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        path = write_zip(tmp_path / "a.zip", sample.members)
        with zipfile.ZipFile(path) as archive:
            at = archive.getinfo(sample.victim).header_offset + 30 + len(sample.victim) + 40
        broken = bytearray(path.read_bytes())
        broken[at : at + 8] = b"\xff" * 8
        path.write_bytes(broken)
        entries = read(path, name)
        assert urls(entries)
        assert [entry for entry in bad(entries) if sample.victim in entry.place]
        assert len(sample.urls - urls(entries)) == 1

    @pytest.mark.parametrize("kind", ["encrypted", "symbolic link", "packed by method"])
    def test_members_that_are_not_read_are_listed(self, name: str, kind: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        info = zipfile.ZipInfo(sample.victim)
        if kind == "symbolic link":
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
        path = with_victim(name, tmp_path / "a.zip", info, b"/etc/passwd")
        raw = bytearray(path.read_bytes())
        directory = raw.rindex(b"PK\x01\x02")
        local = raw.rindex(b"PK\x03\x04")
        if kind == "encrypted":
            raw[directory + 8] |= 1
            raw[local + 6] |= 1
        if kind == "packed by method":
            raw[directory + 10 : directory + 12] = b"\x09\x00"
            raw[local + 8 : local + 10] = b"\x09\x00"
        path.write_bytes(raw)
        entries = read(path, name)
        assert urls(entries) < sample.urls
        assert any(kind in entry.reason and sample.victim in entry.place for entry in bad(entries))

    def test_names_that_lead_out_are_not_read(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        info = zipfile.ZipInfo(f"../../{sample.victim}")
        path = with_victim(name, tmp_path / "a.zip", info, str(sample.members[sample.victim]).encode())
        entries = read(path, name)
        assert urls(entries) < sample.urls
        assert any("leads out" in entry.reason for entry in bad(entries))

    def test_a_link_in_a_folder_is_not_followed(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        root = write_folder(tmp_path / "a", sample.members)
        (tmp_path / "secret").write_text("secret words")
        (root / sample.victim).unlink()
        (root / sample.victim).symlink_to(tmp_path / "secret")
        entries = read(root, name)
        assert any("symbolic link" in entry.reason for entry in bad(entries))
        assert "secret words" not in repr(entries)


class TestBombs:
    def test_a_member_that_inflates_without_end_is_listed_and_memory_is_bounded(
        self, name: str, tmp_path: Path
    ) -> None:
        sample = SAMPLES[name]
        path = with_victim(
            name, tmp_path / "a.zip", zipfile.ZipInfo(sample.victim), b"<p>" + b" " * 60 * 1024 * 1024
        )
        tracemalloc.start()
        entries = read(path, name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50 * 1024 * 1024
        assert urls(entries) < sample.urls
        assert any("bomb" in entry.reason or "larger" in entry.reason for entry in bad(entries))

    def test_all_members_together_are_bounded(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        path = write_zip(tmp_path / "a.zip", sample.members)
        entries = read(path, name, ArchiveLimits(total_bytes=1000))
        assert any("in all" in entry.reason for entry in bad(entries))

    def test_an_archive_in_the_archive_is_not_opened(self, name: str, tmp_path: Path) -> None:
        sample = SAMPLES[name]
        inner = write_zip(tmp_path / "inner.zip", sample.members).read_bytes()
        path = write_zip(tmp_path / "a.zip", {**sample.members, "inner.zip": inner})
        assert urls(read(path, name)) == sample.urls
        with pytest.raises(UnusableArchive):
            read(write_zip(tmp_path / "b.zip", {"inner.zip": inner}), name)


class _Unseekable(io.BytesIO):
    """Where zipfile has to write sizes behind the members, as exports streamed to a browser are."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation
