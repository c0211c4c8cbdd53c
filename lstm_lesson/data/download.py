"""Download the files of the data sets once from a pinned address, check them, and keep them in a cache folder."""

import hashlib
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

ADDRESS = "https://raw.githubusercontent.com/"
FILES = tomllib.loads((files("lstm_lesson.data") / "downloads.toml").read_text(encoding="utf-8"))
PINNED, SHA256 = FILES["folders"], FILES["sha256"]  # the path of each folder below ADDRESS; the sum of each file
SAYS = FILES["says"]
TIMEOUT = 10.0  # seconds for the server to answer, and between two pieces of a file
TIME_LIMIT = 120.0  # seconds for one file as a whole
PIECE = 64  # bytes read at a time; small, so that TIME_LIMIT also stops a very slow server


class NewsUnavailable(OSError):
    """A file of a data set could not be downloaded or is damaged; the message says why and what to do."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write to. At the end it takes the place of `path`, so that this one is never half written."""
    part = path.with_name(f".{path.stem}-{time.time_ns()}{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        if str(error.filename) == str(part):  # of which the caller knows nothing
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        part.unlink(missing_ok=True)  # it is still there if the lines above failed


def own_folder() -> Path:
    """Where the learner's own work is kept, progress and trained reader: LSTM_LESSON_PROGRESS, else the data folder."""
    return _folder("LSTM_LESSON_PROGRESS", "user_data_path")


def find(file: str) -> Path:
    """The path of a checked `file`, one of SHA256: in LSTM_LESSON_DATA if that is set, else in the cache.

    Only a file missing or damaged in the cache is downloaded, and checked before it is moved into place.
    Raises NewsUnavailable if the file cannot be downloaded, or is missing or damaged in LSTM_LESSON_DATA.
    """
    if given := os.environ.get("LSTM_LESSON_DATA"):
        folder = Path(given).expanduser()
        try:
            has = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        except OSError as error:
            raise NewsUnavailable(SAYS["unreadable"].format(file, folder, error)) from error
        if has != SHA256[file]:
            raise NewsUnavailable(SAYS["damaged"].format(file, folder, has, SHA256[file]))
        return folder / file
    kept = _folder("LSTM_LESSON_CACHE", "user_cache_path")
    name, _, leaf = file.partition("/")
    import pooch  # loads slowly

    pooch.get_logger().setLevel("WARNING")  # the progress line says enough
    try:
        path = pooch.retrieve(ADDRESS + PINNED[name] + leaf, SHA256[file], leaf, kept / name, downloader=_download)
    except (OSError, ValueError) as error:
        raise NewsUnavailable(SAYS["download"].format(file, kept, _reason(error))) from error
    return Path(path)


def _folder(variable: str, place: str) -> Path:
    """The folder that an environment variable names, else the user's own `place` of platformdirs."""
    import platformdirs

    given = os.environ.get(variable)
    return Path(given).expanduser() if given else getattr(platformdirs, place)("lstm-lesson", appauthor=False)


def _download(url: str, output_file: str, _pooch=None) -> None:
    """Fetch url into output_file with a progress line on the console, for TIME_LIMIT at most."""
    import pooch
    from tqdm import tqdm

    class Line(tqdm):
        give_up = time.monotonic() + TIME_LIMIT

        def update(self, n=1):
            if time.monotonic() > self.give_up:
                raise TimeoutError
            return super().update(n)

    as_it_is = {"Accept-Encoding": "identity"}  # so that the server's length is the file's
    with Line(desc=url.rpartition("/")[2], total=1, unit="B", unit_scale=True, file=sys.stdout) as line:
        get = pooch.HTTPDownloader(progressbar=line, chunk_size=PIECE, timeout=TIMEOUT, headers=as_it_is)
        get(url, output_file, None)


def _reason(error: Exception) -> str:
    """What went wrong: in a few words if the network failed, else in those of the error."""
    kinds = {kind.__name__ for kind in type(error).__mro__}  # by name: the library below may be any version
    if kinds & {"TimeoutError", "Timeout"} or "timed out" in str(error):
        return "the server was too slow"
    if "RequestException" in kinds and getattr(error, "response", None) is None:
        return "the connection broke or there is none"
    return str(error)
