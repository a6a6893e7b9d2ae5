"""Files into the Evidence page: what becomes of each, and what befalls the page when one is made to harm."""

import json
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from intake import board, reading
from intake.service import intake
from settings import settings
from store import Store, exports
from store.restore import is_export
from tests.importers.samples import bench_file, export, result
from ui import asgi, download, uploader, uploads

ROOT = Path(__file__).parents[2]


def opened() -> AppTest:
    return AppTest.from_file(str(ROOT / "ui" / "pages" / "evidence.py"), default_timeout=60).run()


def dropped(*files: tuple[str, bytes]) -> AppTest:
    """The page after files were dropped on the small uploader and read."""
    app = opened()
    app.file_uploader(key="upload").set_value([(name, content, "") for name, content in files])
    app.run()
    for _ in range(100):
        if not any("reading" in bar.proto.text for bar in app.get("progress")):
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    return app


def told(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.success, *app.info, *app.error, *app.markdown)).replace("\\", "")


def test_a_small_file_becomes_the_run_that_is_shown(tmp_path):
    app = dropped(("a.sqlite", export(tmp_path / "a.sqlite").read_bytes()))
    assert "a.sqlite: imported as run" in told(app)
    assert app.selectbox(key="run").value in app.success[0].value
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_job_that_nobody_answers_for_is_told_on_the_page(monkeypatch):
    """One that waited for a server is lost, and gone once it is told; one sent to a cluster can be cancelled."""
    monkeypatch.setattr(board, "SILENT", -1.0)
    store = Store(settings().store)
    board.new_job(store, "monday", ["a"], "0" * 16)
    sent = board.new_job(store, "tuesday", ["b"], "1" * 16, sent=True)
    app = opened()
    assert "monday: the server or worker that read it, or was to, is gone. Import it again." in told(app)
    assert [job.job for job in board.jobs(store)] == [sent.job]
    (bar,) = app.get("progress")
    assert bar.proto.text == f"tuesday: waiting{uploads.FORSAKEN}"
    app.button(key=f"cancel-{sent.job}").click().run()
    assert board.jobs(store) == []


def test_each_file_has_its_own_result_and_it_stays(tmp_path):
    good = bench_file(tmp_path / "bench.json", result()).read_bytes()
    app = dropped(("bench.json", good), ("again.json", good), ("list.txt", b"milk"), ("../../x.json", b"{}"))
    assert "again.json: imported" in told(app)
    assert "bench.json: nothing new" in told(app)
    assert "list.txt looks like text" in told(app)
    assert "x.json looks like" in told(app)
    assert told(app.run()) == told(app)
    app.button(key="clear").click().run()
    assert not app.success


def test_many_results_are_a_table(tmp_path):
    app = dropped(*((f"{place}.txt", b"milk %d" % place) for place in range(8)))
    assert "8 files, 8 of them refused" in told(app).replace("*", "")
    assert len(app.dataframe[0].value) == 8


def test_an_export_can_be_dropped(tmp_path):
    run = dropped(("a.sqlite", export(tmp_path / "a.sqlite").read_bytes())).selectbox(key="run").value
    here = Store(tmp_path / "store")
    exports.write(here, run, tmp_path / "run.zip", "parquet")
    here.delete(run)
    app = dropped(("list.txt", b"milk"), ("run.zip", (tmp_path / "run.zip").read_bytes()))
    assert app.selectbox(key="run").value == run
    assert "run.zip: imported" in told(app)
    assert "list.txt looks like text" in told(app)


def test_the_page_outlives_what_reads(monkeypatch):
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    for name, words in (("SIGSEGV.x", "crashed"), ("SIGKILL.x", "1.5 GiB of memory")):
        app = dropped((name, b"x"))
        assert words in told(app)
        assert app.selectbox(key="run").value


def test_what_is_left_of_a_deleted_job_hides_no_other():
    store = Store(settings().store)
    left, waits = (board.new_job(store, name, ["a"], "0" * 16) for name in ("left", "waits"))
    left.remove()
    left.tell(0, 0.5)
    assert [bar.proto.text for bar in opened().get("progress")] == ["waits: waiting"]
    waits.remove()


def test_a_job_that_cannot_be_cancelled_is_told(monkeypatch):
    job = board.new_job(Store(settings().store), "waits", ["a"], "0" * 16)
    app = opened()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("store.local.LocalShelf.keep_note", full)
        app.button(key=f"cancel-{job.job}").click().run()
    assert not app.exception
    assert "No space left on device. Make room" in app.toast[0].value
    job.remove()


def test_a_file_being_read_shows_and_can_be_cancelled(monkeypatch):
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(uploads, "PATIENCE", 0.1)
    app = opened()
    app.file_uploader(key="upload").set_value([("silent.x", b"x", "")])
    app.run()
    assert "silent.x: " in app.get("progress")[0].proto.text
    next(button for button in app.button if button.label == "Cancel").click().run()
    for _ in range(100):
        if app.error:
            break
        time.sleep(0.1)
        app.run()
    assert "cancelled, nothing of it was kept" in told(app)


def test_a_reload_finds_what_is_being_read(monkeypatch):
    monkeypatch.setattr(reading, "MODULE", "tests.intake.children")
    monkeypatch.setattr(uploads, "PATIENCE", 0.1)
    app = opened()
    app.file_uploader(key="upload").set_value([("silent.x", b"x", "")])
    app.run()
    again = opened()
    assert "silent.x: reading" in again.get("progress")[0].proto.text
    next(button for button in again.button if button.label == "Cancel").click().run()
    for _ in range(100):
        if again.error:
            break
        time.sleep(0.1)
        again.run()
    assert "cancelled, nothing of it was kept" in told(again)
    assert "cancelled, nothing of it was kept" in told(app.run())
    assert not opened().get("progress")


def test_a_run_can_be_taken_along(tmp_path, monkeypatch):
    app = dropped(("a.sqlite", export(tmp_path / "a.sqlite").read_bytes()))
    assert set(download.WORDS.values()) <= {button.label for button in app.get("download_button")}
    for form in download.WORDS:
        (tmp_path / form).write_bytes(
            download._content(Store(tmp_path / "store"), app.selectbox(key="run").value, form)
        )
        assert is_export(tmp_path / form)
    monkeypatch.setattr(download, "LARGEST", 10)
    assert "cli.py export" in " ".join(caption.value for caption in app.run().caption)


def test_a_store_out_of_reach_is_told_and_the_demo_stays(monkeypatch):
    monkeypatch.setenv("HEADROOM_STORE", "nosuchscheme://x")
    app = opened()
    assert not app.exception
    assert "HEADROOM_STORE cannot be used" in told(app)
    assert "Demo workspace." in told(app)


def test_without_the_route_the_page_says_where_large_files_go():
    assert "python cli.py import FILE" in " ".join(caption.value for caption in opened().caption)


def test_the_servers_folder_is_listed_and_imported(tmp_path, monkeypatch):
    folder = tmp_path / "shared"
    folder.mkdir()
    bench_file(folder / "bench.json", result())
    monkeypatch.setenv("HEADROOM_IMPORT_FOLDER", str(folder))
    intake.cache_clear()
    app = opened()
    assert app.selectbox(key="shared").options[0].startswith("bench.json")
    app.button(key="import_shared").click().run()
    for _ in range(100):
        if app.success:
            break
        time.sleep(0.1)
        app.run()
    assert "bench.json: imported" in told(app)
    assert (folder / "bench.json").exists()


class Runtime:
    """What the limit asks of Streamlit."""

    def __init__(self, held: dict[str, int], active: set[str]) -> None:
        self.uploaded_file_mgr, self.active = self, active
        self.file_storage = {
            session: {"x": type("File", (), {"data": bytes(size)})()} for session, size in held.items()
        }

    def is_active_session(self, session: str) -> bool:
        return session in self.active

    def remove_session_files(self, session: str) -> None:
        del self.file_storage[session]


def put(monkeypatch, runtime: Runtime, session: str, size: int) -> int:
    monkeypatch.setattr(asgi, "get_instance", lambda: runtime)
    monkeypatch.setattr(uploader, "get_instance", lambda: runtime)
    monkeypatch.setattr(uploader, "SENDING", set(runtime.active))
    sent: list[dict] = []

    async def behind(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(message) -> None:
        sent.append(message)

    headers = [(b"content-length", str(size).encode())]
    scope = {"type": "http", "method": "PUT", "path": f"{asgi.ENDPOINT}{session}/file", "headers": headers}
    with pytest.raises(StopIteration):  # it waits for nobody here, and a browser test may have left a loop running
        asgi.UploaderLimit(behind)(scope, None, send).send(None)
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("held", "active", "size", "status"),
    [
        ({}, {"me"}, 10, 204),
        ({"me": 60}, {"me"}, 10, 413),
        ({"me": 50}, {"me"}, 10, 204),
        ({"other": 480}, {"me", "other"}, 40, 413),
        ({"other": 480}, {"me"}, 40, 204),
        ({}, {"other"}, 10, 403),
    ],
)
def test_the_small_uploader_fills_no_memory(monkeypatch, held, active, size, status):
    monkeypatch.setattr(asgi, "SESSION", 64)
    monkeypatch.setattr(asgi, "TOTAL", 512)
    assert put(monkeypatch, Runtime(held, active), "me", size) == status


def test_the_config_tells_the_endpoint_the_same():
    text = (ROOT / ".streamlit" / "config.toml").read_text()
    assert f"maxUploadSize = {uploads.SMALL_MB} " in text


def test_the_app_is_one_file_for_server_and_pages():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert app.metric


def test_names_of_files_are_text(tmp_path):
    app = dropped(("![x](http://example.com/a.png).json", json.dumps({"a": 1}).encode()))
    assert "![" not in app.error[0].value
