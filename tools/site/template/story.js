// The story of the first page: one word after the other, once, and then still. A click on a word goes to it.
const S = JSON.parse($("data").textContent), cell = document.querySelector(".cell svg"), SECONDS = 3.2;
const words = [...$("words").children];
let text = 0, at = S.verb, timer;

const steps = () => S.stories[text], last = () => steps().length - 1;
// The verb is a blank until the cell has read it; then its answer stands there.
const shown = k => k === S.verb && at > k ? S.answers[text] : steps()[k].word;

function show(moving) {
  const { values, word, said } = steps()[at];
  for (const place of document.querySelectorAll("[data-value]")) {
    const name = place.dataset.value;
    place.textContent = name === "x" ? word : number(values[name], 2);
  }
  $("told").textContent = said;
  for (const [k, item] of words.entries()) {
    item.classList.toggle("unread", moving && k > at);
    if (k === at) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
    const button = item.querySelector("button");
    button.textContent = button.dataset.word = shown(k);
    item.querySelector(".memory").textContent = number(steps()[k].values.c, 2);
  }
  $("play").textContent = timer ? "Pause" : at === last() ? "Read again" : still() ? "Next word" : "Play";
  $("other").textContent = `Read “${S.starts[1 - text]} …”`;
  $("told").setAttribute("aria-live", timer ? "off" : "polite");
  if (timer || moving) flow(cell, values, 900 * SECONDS);
}

function stop() { clearInterval(timer); timer = undefined; }

function go(place) { stop(); at = place; show(false); }

function play() {
  stop();
  timer = setInterval(() => {
    at += 1;
    if (at === last()) stop();
    show(true);
  }, 1000 * SECONDS);
  show(true);
}

for (const [k, item] of words.entries()) {
  const word = document.createElement("button"), was = item.querySelector(".word");
  word.type = "button";
  word.className = "word";
  was.replaceWith(word);
  word.addEventListener("click", () => { go(k); flow(cell, steps()[k].values, 900 * SECONDS); });
}
reserve($("told"), S.stories.flat().map(({ said }) => said));
$("play").addEventListener("click", () => {
  if (timer) return go(at);
  if (still()) return go(at === last() ? 0 : at + 1);  // without motion a press is one word
  if (at === last()) at = 0;
  play();
});
$("other").addEventListener("click", () => {
  text = 1 - text;
  if (still()) return go(S.verb);
  at = 0;
  play();
});
lessMotion.addEventListener("change", () => go(at));
if (still()) show(false); else { at = 0; play(); }
