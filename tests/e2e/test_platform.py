"""The main job through the commands, and what bad input gets."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import REPOSITORY, TWIN, RunningTwin, key_in, start, stop
from tests.e2e.test_readme import wait_until_searchable
from twin_local.ports import free_port

pytestmark = pytest.mark.integration


class TestMainJob:
    def test_a_crawled_site_can_be_asked(self, running: RunningTwin, sample_site: str) -> None:
        running.twin("author", "add", "samples/author.yaml")
        crawled = running.twin("crawl", "runa-ekdahl")
        assert "finished" in crawled.stdout
        wait_until_searchable(running)
        questions = [
            json.loads(line) for line in (REPOSITORY / "samples/questions.jsonl").read_text().splitlines()
        ]
        keyword = [question for question in questions if question["kind"] == "keyword"]
        found = 0
        for question in keyword:
            output = running.twin(
                "search", question["question"], "--author", "runa-ekdahl", "--limit", "5", "--json"
            )
            results = json.loads(output.stdout)
            assert [result["rank"] for result in results] == list(range(1, len(results) + 1))
            found += any(result["url"].endswith(question["expected_url"]) for result in results)
        assert found >= 0.9 * len(keyword)
        answer = running.twin("ask", keyword[0]["question"], "--author", "runa-ekdahl").stdout
        assert "[1]" in answer
        assert "Sources" in answer

    def test_a_second_crawl_changes_nothing(self, running: RunningTwin, sample_site: str) -> None:
        running.twin("author", "add", "samples/author.yaml")
        running.twin("crawl", "runa-ekdahl")
        again = running.twin("crawl", "runa-ekdahl").stdout
        assert "finished: 19 unchanged" in again

    def test_the_draft_behind_robots_txt_is_never_stored(
        self, running: RunningTwin, sample_site: str
    ) -> None:
        running.twin("author", "add", "samples/author.yaml")
        running.twin("crawl", "runa-ekdahl")
        wait_until_searchable(running)
        output = running.twin("search", "quarterdeckling", "--author", "runa-ekdahl", "--json").stdout
        assert "quarterdeckling" not in output

    def test_the_link_signs_in(self, running: RunningTwin) -> None:
        page = urllib.request.urlopen(f"http://127.0.0.1:{running.port}/", timeout=10)  # ours
        assert "<html" in page.read().decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{running.port}/v1/author",
            headers={"Authorization": f"Bearer {key_in(running.first_words)}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # ours
            assert json.load(answer)["author_id"] == "me"


class TestBadInput:
    def test_bad_lines_are_named_and_the_rest_goes_in(self, running: RunningTwin, tmp_path: Path) -> None:
        file = tmp_path / "mixed.jsonl"
        file.write_text(
            '{"url": "https://a.example/1", "title": "One", "text": "A text about lighthouses."}\n'
            "not json\n"
            '{"title": "no address", "text": "x"}\n'
            '{"url": "https://a.example/2", "title": "Two", "text": ""}\n'
            '{"url": "https://a.example/3", "title": "Three", "text": "Ein Text über Leuchttürme."}\n'
            '{"url": "https://a.example/4", "category": "code", "text": "```python\\nprint(1)\\n```"}\n'
            + json.dumps({"url": "https://a.example/5", "text": "word " * 1_000_000})
            + "\n"
        )
        author = tmp_path / "author.yaml"
        author.write_text("author_id: mixed\nname: Mixed\n")
        running.twin("author", "add", str(author))
        done = running.twin("import", str(file), "--author", "mixed", "--format", "jsonl")
        assert "5 new" in done.stdout
        assert "2 bad entries" in done.stdout
        assert "line 2" in done.stdout
        assert "line 3" in done.stdout
        wait_until_searchable(running)
        shown = running.twin("status").stdout
        assert "https://a.example/2" in shown
        assert "empty" in shown
        assert "https://a.example/5" in shown
        results = json.loads(running.twin("search", "lighthouses", "--author", "mixed", "--json").stdout)
        assert results[0]["url"] == "https://a.example/1"

    def test_every_bad_link_has_a_named_error_and_the_good_one_goes_in(
        self, running: RunningTwin, sample_site: str
    ) -> None:
        running.twin("author", "add", "samples/author.yaml")
        nobody = f"http://127.0.0.1:{free_port()}/"
        links = [
            f"{sample_site}articles/no-such-page.html",
            "http://169.254.169.254/latest/meta-data/",
            nobody,
            "http://no-such-host.invalid/",
            f"{sample_site}articles/the-table-is-a-rumour.html",
        ]
        done = running.twin("crawl", "runa-ekdahl", *(word for link in links for word in ("--link", link)))
        assert "finished" in done.stdout
        for link in links[:4]:
            assert link in done.stdout
        (told,) = [line for line in done.stdout.splitlines() if links[4] in line]
        assert "1 new" in told or "1 unchanged" in told

    def test_an_unknown_author_is_refused(self, running: RunningTwin) -> None:
        done = running.twin("crawl", "nobody-here", check=False)
        assert done.returncode == 1
        assert "nobody-here" in done.stderr
        assert "twin author add" in done.stderr

    def test_a_second_platform_on_the_same_folder_is_refused(self, running: RunningTwin) -> None:
        done = subprocess.run(
            [TWIN, "up", "--port", str(free_port())],
            env=running.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert str(running.process.pid) in done.stderr
        assert "TWIN_HOME=" in done.stderr

    def test_a_busy_port_is_named_with_the_remedy(self, tmp_path: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            done = subprocess.run(
                [TWIN, "up", "--port", str(port)],
                env=os.environ | {"TWIN_HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 1
        assert str(os.getpid()) in done.stderr
        assert f"TWIN_PORT={port + 1}" in done.stderr

    def test_without_a_platform_the_remedy_is_named(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [TWIN, "status"],
            env=os.environ | {"TWIN_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "make up" in done.stderr


class TestLife:
    def test_data_outlives_a_restart_and_every_child_ends_with_it(self, tmp_path: Path) -> None:
        home, port = tmp_path / "home", free_port()
        first = start(home, port)
        children = _children(first.process.pid)
        assert len(children) >= 7
        first.twin("import", "samples/posts.jsonl")
        wait_until_searchable(first)
        assert stop(first, signal.SIGTERM) == 0
        assert not [child for child in children if Path(f"/proc/{child}").exists()]
        second = start(home, port)
        wait_until_searchable(second)
        documents = json.loads(second.twin("status", "--json").stdout)["documents"]
        assert documents["searchable"] == 25
        assert second.twin("reconcile", "--check", "--json").stdout.strip() == (
            '{"missing": 0, "stale": 0, "foreign": 0}'
        )
        assert stop(second) == 0

    def test_children_do_not_outlive_a_killed_supervisor(self, tmp_path: Path) -> None:
        running = start(tmp_path, free_port())
        children = _children(running.process.pid)
        running.process.kill()
        running.process.wait()
        deadline = time.monotonic() + 30
        while alive := [command for child in children if (command := _is_alive(child))]:
            assert time.monotonic() < deadline, f"still there: {alive}"
            time.sleep(0.2)


def _is_alive(pid: int) -> str | None:
    """The command of a process that still runs; one that only waits to be collected does not."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return None


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
