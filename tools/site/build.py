"""Make the static site: `python tools/site/build.py FOLDER` (or `make html`). FOLDER must be empty or not exist yet.

nbconvert makes a page of each notebook (`lessons.py`), formulas become MathML (`formulas.py`), and four pages are
interactive without a kernel (`alive.py`). The first page shows a cell that reads (`story.py`), and one page
searches the lessons (`search.py`). The site loads nothing from the network.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import alive  # noqa: E402
import formulas  # noqa: E402
import jinja2  # noqa: E402
import lessons  # noqa: E402
import search  # noqa: E402
import story  # noqa: E402
import yaml  # noqa: E402
from nbconvert.writers import FilesWriter  # noqa: E402
from tracked import ours  # noqa: E402

from lstm_lesson.plots.diagrams import WORDS  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
ARC = [  # heading, what it is about, the last notebook of it
    ("Before the gates", "A plain recurrent network reads, learns through time, and forgets. You measure how fast.", 3),
    ("The cell, gate by gate", "One equation a notebook, until the whole cell is lit and equals PyTorch's.", 8),
    ("What the memory is worth", "Gradients that survive, gates that see the memory, and a curve to continue.", 11),
    ("A classifier, opened", "Real news, a score with its limits, and what the gates do meanwhile.", 13),
    ("Less, and faster", "What could be left out, and where the time goes.", 15),
    ("It writes, and what came next", "A model of characters writes Python. The successors take the same tests.", 17),
]
INSPECTOR = {"page": "inspector.html", "title": "Is it fake? The gate inspector, alive in this browser:",
             "line": "a small classifier of synthetic headlines, word by word, without a kernel."}  # fmt: skip
PLAYGROUND = {"page": "playground.html", "title": "The cell playground, alive in this browser:",
              "line": "one unit with every number on a slider, without a kernel."}  # fmt: skip
WRITER = {"page": "characters.html", "title": "What comes next? The model of Python's source, alive in this browser:",
          "line": "type some code, and see what it expects after each character."}  # fmt: skip
ALIVE = {"00": INSPECTOR, "13": INSPECTOR, "16": WRITER, "07": PLAYGROUND, "08": PLAYGROUND}


def build(site: Path) -> None:
    """Write the whole site into an empty folder. ValueError if the folder is not empty."""
    if site.exists() and any(site.iterdir()):
        raise ValueError(f"{site} is not empty; the site needs an empty folder")
    (site / "downloads").mkdir(parents=True)
    everything = [lessons.lesson(path) for path in sorted(filter(ours, NOTEBOOKS.glob("[0-9]*.ipynb")))]
    for before, lesson, after in zip([None, *everything], everything, [*everything[1:], None], strict=False):
        write_lesson(site, lesson, before, after)
    write_others(site, everything)
    pages = [path.read_text(encoding="utf-8") for path in site.glob("*.html")]
    formulas.write_font(site / "math.woff", pages)


def write_lesson(site: Path, lesson, before, after) -> None:
    """A notebook's page with its pictures, and the notebook to download."""
    exporter = lessons.LessonExporter()
    values = {"lesson": lesson, "previous": before, "next": after, "alive": ALIVE.get(lesson.number), "outputs": {},
            "output_files_dir": "pictures"}  # fmt: skip
    body, resources = exporter.from_filename(str(lesson.path), resources=values)
    body = lessons.with_answers_at_the_end(body)
    FilesWriter(build_directory=str(site)).write(body, resources, notebook_name=lesson.path.stem)
    (site / lesson.download).write_text(lessons.without_outputs(lesson.path), encoding="utf-8")


def write_others(site: Path, everything) -> None:
    """Write the first page, the interactive pages and the style sheet."""
    loader = jinja2.FileSystemLoader(HERE / "template")
    templates = jinja2.Environment(loader=loader, autoescape=False, undefined=jinja2.StrictUndefined)
    templates.policies["json.dumps_kwargs"] = {}  # in the order of Python: the first preset is the one to start with
    by_number = {lesson.number: lesson for lesson in everything}
    pages = {
        "home": {
            "lessons": everything,
            "arc": arc(everything),
            "address": address(everything[0]),
            **opening(everything),
        },
        "playground": {
            "lesson": by_number["07"],
            "after": by_number["08"],
            **alive.playground_data(equations(everything[0])),
        },
        "search": {},
    }
    for name, given in pages.items():
        made = templates.get_template(f"{name}.html.j2").render(given)
        (site / f"{'index' if name == 'home' else name}.html").write_text(made, encoding="utf-8")
    typed = alive.typed_pages()
    for name, given in typed.items():
        given |= {"lesson": by_number[given["number"]], "file": f"{name}.html", "pages": typed}
        made = templates.get_template("inspector.html.j2").render(given)
        (site / f"{name}.html").write_text(made, encoding="utf-8")
    (site / "style.css").write_bytes((HERE / "template" / "style.css").read_bytes())
    (site / "search-index.js").write_text(search.index(everything), encoding="utf-8")


def opening(everything) -> dict:
    """What the first page says of the series as a whole: its story, its time, and how to cite it."""
    stories, minutes = story.story(), [int(lesson.minutes) for lesson in everything]
    verb = next(k for k, step in enumerate(stories[0]) if step["word"] == story.agreement.BLANK)
    starts = [" ".join(step["word"] for step in steps[:2]) for steps in stories]
    answers = [story.verb(steps[verb]["values"]) for steps in stories]
    at_the_verb = stories[0][verb]
    cell = alive.drawn_cell(story.shown(at_the_verb["values"]) | {"x": at_the_verb["word"]}, WORDS["lstm"])
    data = {"stories": stories, "starts": starts, "verb": verb, "answers": answers}
    given = {"cell": cell, "data": data, "steps": stories[0], "verb": verb, "start": starts[1], "citation": citation()}
    given["memory"] = [story.shown(step["values"])["c"] for step in stories[0]]
    return given | {"hours": round(sum(minutes) / 60), "shortest": min(minutes), "longest": max(minutes)}


def citation() -> dict:
    """The message of CITATION.cff, and its facts as an entry for BibTeX."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    authors = " and ".join(f"{{{author['name']}}}" for author in cff["authors"])
    fields = {"title": f"{{{cff['title']}}}", "author": authors, "version": cff["version"],
              "url": cff["repository-code"], "note": cff["abstract"]}  # fmt: skip
    lines = "\n".join(f"  {name} = {{{value}}}," for name, value in fields.items())
    key = cff["repository-code"].rsplit("/", 1)[1]
    return {"message": cff["message"], "bibtex": f"@software{{{key},\n{lines}\n}}"}


def arc(everything) -> list[tuple]:
    """(heading, line, lessons) of each part of the series; a lesson after the last part goes to the last part."""
    ends = [last for _, _, last in ARC[:-1]] + [len(everything)]
    starts = [0, *(end + 1 for end in ends)]
    return [(head, line, everything[start : end + 1])
            for (head, line, _), start, end in zip(ARC, starts, ends, strict=False)]  # fmt: skip


def equations(start) -> list[tuple[str, str]]:
    """(LaTeX, note) of the five equations, as the first notebook lists them; ValueError if it does not."""
    cells = [cell.source for cell in lessons.read(start.path).cells if cell.source.startswith("### The five equations")]
    found = re.findall(r"\$\$(.+?) \\qquad \\text\{(.+?)\}\$\$", "".join(cells))
    if len(found) != 5:
        raise ValueError(f"{start.path.name} lists {len(found)} equations under 'The five equations', each with "
                         r"\qquad \text{a note}; it needs 5")  # fmt: skip
    return found


def address(lesson) -> str:
    """The repository, as the notebooks' own links to Colab name it."""
    owner, name = lesson.colab.split("/github/")[1].split("/")[:2]
    return f"https://github.com/{owner}/{name}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build(Path(sys.argv[1]))
