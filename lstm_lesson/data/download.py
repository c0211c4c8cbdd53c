"""Download the files of the data sets once from a pinned address, check them, and keep them in a cache folder."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESS = "https://raw.githubusercontent.com/"
PINNED = {  # the path of each folder below ADDRESS: fixed to one commit, so that its files cannot change
    "covid": "diptamath/covid_fake_news/030deba36d118c124709fd72d7d5f14c7bc69053/data/",
    "co2": "vega/vega-datasets/04b5fa05697d6e66d722aa970c846df0514ad046/data/",
}
SHA256 = {
    "covid/Constraint_Train.csv": "441f3985bb76eb69d1e488cf292f80add96c4dddfa43ba7c060889607837ddce",
    "covid/Constraint_Val.csv": "c610931d0641fe1d9b9495c453f99ae7aa45bf294c7db6333ec84ecebb0b6c3c",
    "covid/english_test_with_labels.csv": "7152fc681884a22013218c5dd9a73c6fd99d4b084705723e1e49d18c97ca8281",
    "co2/co2-concentration.csv": "c1a4a970864145940a28225cae288618b156cb32f9a2a1b6606ba7124134febb",
}
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
    finally:
        part.unlink(missing_ok=True)  # it is still there if the lines above failed


def own_folder() -> Path:
    """Where the learner's own work is kept, progress and trained reader: LSTM_LESSON_PROGRESS, else the data folder."""
    return _folder("LSTM_LESSON_PROGRESS", "user_data_path")


def find(file: str) -> Path:
    """The path of a checked `file`, one of SHA256: in LSTM_LESSON_DATA if that is set, else in the cache.

    Only a file missing or damaged in the cache is downloaded. A download is checked before it is moved into place, so
    that no incomplete file stays.
    Raises NewsUnavailable if the file cannot be downloaded, or is missing or damaged in LSTM_LESSON_DATA.
    """
    if given := os.environ.get("LSTM_LESSON_DATA"):
        return _checked(Path(given).expanduser(), file)
    kept = _folder("LSTM_LESSON_CACHE", "user_cache_path")
    name, _, leaf = file.partition("/")
    import pooch  # loads slowly

    pooch.get_logger().setLevel("WARNING")  # the progress line says enough
    try:
        path = pooch.retrieve(ADDRESS + PINNED[name] + leaf, SHA256[file], leaf, kept / name, downloader=_download)
    except (OSError, ValueError) as error:
        raise NewsUnavailable(
            f"{file} could not be downloaded to {kept}: {_reason(error)}. Nothing was kept; run this again once that "
            "is mended. LSTM_LESSON_CACHE names another folder to keep it in, LSTM_LESSON_DATA a folder that has it."
        ) from error
    return Path(path)


def _folder(variable: str, place: str) -> Path:
    """The folder that an environment variable names, else the user's own `place` of platformdirs."""
    import platformdirs

    given = os.environ.get(variable)
    return Path(given).expanduser() if given else getattr(platformdirs, place)("lstm-lesson", appauthor=False)


def _checked(folder: Path, file: str) -> Path:
    """`file` in the folder LSTM_LESSON_DATA, or NewsUnavailable if it is missing or changed."""
    way = "or unset LSTM_LESSON_DATA to download it"
    try:
        has = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    except OSError as error:
        raise NewsUnavailable(f"{file} can't be read in {folder}: {_reason(error)}. Put it there, {way}.") from error
    if has != SHA256[file]:
        has = f"it has SHA-256 {has} and needs {SHA256[file]}"
        raise NewsUnavailable(f"{file} in {folder} is damaged or another version: {has}. Copy it again, {way}.")
    return folder / file


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
    look = {"unit": "B", "unit_scale": True, "file": sys.stdout}
    with Line(desc=url.rpartition("/")[2], total=1, **look) as line:
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
