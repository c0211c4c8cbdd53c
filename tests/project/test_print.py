"""On the site's printed page the answers to questions stand at the end, and nowhere else."""

import sys

import pytest
from tracked import ROOT

sys.path.insert(0, str(ROOT / "tools" / "site"))

from lessons import with_answers_at_the_end

PAGE = """<main>Up or down?<details>
<summary>Answer</summary>
<p id="up">Up.</p>
</details><details class="answer" data-was="stream"><summary>Show the answer</summary>
<pre>3</pre>
</details><details><summary>What can go wrong</summary>Nothing.</details>
</main>"""


def test_every_answer_is_folded_and_stands_once_more_at_the_end():
    page = with_answers_at_the_end(PAGE)
    body, end = page.split('<section class="in-print answers">')
    assert body.count('<details class="answer">') == body.count("stands on the last page") == 2
    assert end.index("Answer 1") < end.index("Up.") < end.index("Answer 2") < end.index("<pre>3</pre>")
    assert "Nothing." not in end
    assert page.count('id="up"') == 1


@pytest.mark.parametrize(
    "page", ["<main>No question.</main>", "<main><details><summary>More</summary>x</details></main>"]
)
def test_a_page_without_questions_stays_as_it_is(page):
    assert with_answers_at_the_end(page) == page
