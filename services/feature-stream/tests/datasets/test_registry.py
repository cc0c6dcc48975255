import json
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from pyarrow import parquet  # type: ignore[import-untyped]

from twin_feature_stream.datasets.assembly import BuildPolicy, draft, finish
from twin_feature_stream.datasets.dataset import Dataset, difference
from twin_feature_stream.datasets.registry import DatasetRegistry, UnknownDataset
from twin_feature_stream.datasets.triggers import LastBuild
from twin_feature_stream.datasets.version import DatasetVersion

from .material import ADA, NOW, article, document_id, sample


def made(count: int = 12) -> tuple[DatasetVersion, Dataset]:
    articles = [article(f"a{number}", days=number, language="en") for number in range(count)]
    policy = BuildPolicy()
    return finish(draft(ADA, articles, [], policy), None, None, NOW, policy)


def test_the_id_follows_from_the_rows_alone() -> None:
    one, two = sample("one"), sample("two")
    dataset = Dataset.of(ADA, ([one, two], []), ([], []))
    assert Dataset.of(ADA, ([two, one], []), ([], [])).dataset_id == dataset.dataset_id
    assert Dataset.of(ADA, ([one], [two]), ([], [])).dataset_id != dataset.dataset_id
    assert Dataset.of(ADA, ([one], []), ([], [])).dataset_id != dataset.dataset_id
    assert dataset.dataset_id == f"ada-{dataset.content_hash[:16]}"


def test_a_version_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()
    assert not registry.has(version.dataset_id)
    registry.save(version, dataset)
    assert registry.has(version.dataset_id)
    kept = registry.version(version.dataset_id)
    assert kept.statistics == version.statistics
    assert kept.lineage.model_copy(update={"files": {}}) == version.lineage
    assert registry.dataset(version.dataset_id) == dataset
    assert registry.versions() == registry.versions(ADA) == [kept]


def test_lineage_has_the_hash_of_every_parquet_file(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()
    registry.save(version, dataset)
    folder = registry.path(version.dataset_id)
    files = registry.version(version.dataset_id).lineage.files
    assert files == {
        name: sha256((folder / name).read_bytes()).hexdigest()
        for name in ("instruct/test.parquet", "instruct/train.parquet")
    }


def test_the_columns_are_those_that_trl_reads(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()
    registry.save(version, dataset)
    rows = parquet.read_table(registry.path(version.dataset_id) / "instruct/train.parquet").to_pylist()
    assert len(rows) == version.statistics.rows["instruct/train"]
    for row in rows:
        ((ask,), (answer,)) = row["prompt"], row["completion"]
        assert (ask["role"], answer["role"]) == ("user", "assistant")


def test_lineage_names_the_author_and_every_document_with_its_version(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()
    registry.save(version, dataset)
    lineage = json.loads((registry.path(version.dataset_id) / "lineage.json").read_text())
    assert (lineage["kind"], lineage["name"], lineage["authors"]) == ("dataset", version.dataset_id, [ADA])
    assert [document["document_id"] for document in lineage["documents"]] == sorted(
        document_id(f"a{n}") for n in range(12)
    )
    splits = Counter(document["split"] for document in lineage["documents"])
    assert splits == {"train": 11, "test": 1}
    assert sum(document["samples"] for document in lineage["documents"]) == 36


def test_the_card_has_the_hubs_fields(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()
    registry.save(version, dataset)
    card = (registry.path(version.dataset_id) / "README.md").read_text()
    front = card.split("---\n")[1]
    fields = {name: json.loads(value) for name, value in (line.split(": ", 1) for line in front.splitlines())}
    assert fields["language"] == ["en"]
    assert fields["size_categories"] == ["n<1K"]
    ((configuration),) = fields["configs"]
    assert configuration["config_name"] == "instruct"
    for file in configuration["data_files"]:
        assert (registry.path(version.dataset_id) / file["path"]).exists()
    assert version.lineage.content_hash in card


def test_saving_twice_keeps_the_first_and_leaves_nothing_behind(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()
    registry.save(version, dataset)
    before = sorted(path for path in tmp_path.rglob("*"))
    registry.save(version, dataset)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_crash_while_saving_leaves_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = DatasetRegistry(tmp_path)
    version, dataset = made()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", full)
        with pytest.raises(OSError, match="no space"):
            registry.save(version, dataset)
    assert not registry.has(version.dataset_id)
    assert registry.versions() == []
    registry.save(version, dataset)
    assert registry.dataset(version.dataset_id) == dataset


def test_what_is_gone_or_damaged_is_said(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    with pytest.raises(UnknownDataset, match="there is no dataset"):
        registry.version("ada-0")
    version, dataset = made()
    registry.save(version, dataset)
    folder = registry.path(version.dataset_id)
    (folder / "instruct/test.parquet").unlink()
    with pytest.raises(UnknownDataset, match="do not have the hash"):
        registry.dataset(version.dataset_id)
    (folder / "statistics.json").write_text("{")
    with pytest.raises(UnknownDataset, match="damaged"):
        registry.version(version.dataset_id)


def test_the_last_build_is_remembered_by_author(tmp_path: Path) -> None:
    registry = DatasetRegistry(tmp_path)
    assert registry.last_build(ADA) is None
    build = LastBuild(at=NOW, documents={"one": 2}, feedback=3)
    registry.set_last_build(ADA, build)
    assert registry.last_build(ADA) == build


def test_a_difference_names_samples_and_documents() -> None:
    one = Dataset.of(ADA, ([sample("same"), sample("gone"), sample("edited", "before")], []), ([], []))
    edited = sample("edited", "after")
    origin = replace(edited.origin, version=2)
    edited = sample("edited", "after", origin=origin)
    other = Dataset.of(ADA, ([sample("same"), sample("new"), edited], []), ([], []))
    found = difference(one, other)
    assert (found.new_documents, found.gone_documents, found.changed_documents) == (
        ("new",),
        ("gone",),
        ("edited",),
    )
    assert (len(found.added), len(found.removed)) == (2, 2)
    assert not any((*difference(one, one).added, *difference(one, one).removed))
