// The story of the first page: one word after the other, once, and then still. A click on a word goes to it.
const S = JSON.parse($("data").textContent), cell = document.querySelector(".cell svg"), SECONDS = 1.6;
let text = 0, at = S.verb, timer;

function show(moving) {
  const steps = S.stories[text], { values, word, said } = steps[at];
  for (const place of document.querySelectorAll("[data-value]")) {
    const name = place.dataset.value;
    place.textContent = name === "x" ? word : unitNumber(values[name]);
  }
  $("told").textContent = said;
  for (const [k, item] of [...$("words").children].entries()) {
    item.classList.toggle("unread", moving && k > at);
    if (k === at) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
    item.querySelector("button").textContent = steps[k].word;
    item.querySelector(".memory").textContent = steps[k].memory;
  }
  $("play").textContent = timer ? "Pause" : at === steps.length - 1 ? "Read again" : "Play";
  $("other").textContent = `Read “${S.starts[1 - text]} …”`;
  $("told").setAttribute("aria-live", timer ? "off" : "polite");
  if (timer || moving) flow(cell, values, S.colors, 900 * SECONDS);
}

function stop() { clearInterval(timer); timer = undefined; }

function play() {
  stop();
  timer = setInterval(() => {
    at += 1;
    if (at === S.stories[text].length - 1) stop();
    show(true);
  }, 1000 * SECONDS);
  show(true);
}

for (const [k, item] of [...$("words").children].entries()) {
  const word = document.createElement("button"), was = item.querySelector(".word");
  word.type = "button";
  word.className = "word";
  was.replaceWith(word);
  word.addEventListener("click", () => { stop(); at = k; show(false); flow(cell, S.stories[text][k].values, S.colors, 900 * SECONDS); });
}
$("play").addEventListener("click", () => {
  if (timer) { stop(); return show(false); }
  if (at === S.stories[text].length - 1) at = 0;
  if (still()) { at += at < S.verb ? 1 : 0; return show(false); }  // without motion a press is one word
  play();
});
$("other").addEventListener("click", () => {
  text = 1 - text;
  stop();
  if (still()) { at = S.verb; return show(false); }
  at = 0;
  play();
});
if (still()) show(false); else { at = 0; play(); }
