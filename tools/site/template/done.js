// Which lessons a learner has marked as done: kept in this browser alone. Where it keeps nothing, nothing is offered.
{
  const KEY = "lstm-lesson.done";
  const marks = () => JSON.parse(localStorage.getItem(KEY) || "[]").filter(mark => /^\d\d$/.test(mark));
  const keep = list => list.length ? localStorage.setItem(KEY, JSON.stringify(list)) : localStorage.removeItem(KEY);
  const rows = document.querySelectorAll("[data-lesson]"), line = document.getElementById("done"), button = document.getElementById("mark");
  const show = () => {
    const done = marks(), here = [...rows].filter(row => done.includes(row.dataset.lesson));
    for (const row of rows) {
      row.querySelector(".mark")?.remove();
      if (here.includes(row)) row.querySelector(".name").insertAdjacentHTML("beforeend", '<span class="mark"> ✓ done</span>');
    }
    if (line) {
      line.hidden = !here.length;
      line.querySelector("span").textContent = `${here.length} of ${rows.length} done; only this browser knows.`;
    }
    button?.setAttribute("aria-pressed", done.includes(button.dataset.mark));
  };
  try {
    show();
    line?.querySelector("button").addEventListener("click", () => { keep([]); show(); document.getElementById("arc").focus(); });
    if (button) {
      button.parentElement.hidden = false;
      button.addEventListener("click", () => {
        const own = button.dataset.mark, others = marks().filter(mark => mark !== own);
        keep(marks().includes(own) ? others : [...others, own].sort());
        show();
      });
    }
    addEventListener("storage", show);
  } catch { if (line) line.hidden = true; }
}
