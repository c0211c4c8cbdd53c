// One LSTM unit, equations 1 to 5, in double precision as in Python. Names, ranges, presets and colours are data of
// the page, taken from lstm_lesson.explorers.playground.
const D = JSON.parse($("data").textContent);
const NAMES = [...Object.keys(D.state), ...D.weights];
const sigmoid = z => 1 / (1 + Math.exp(-z));
const onGrid = v => +(Math.round(v / D.grid) * D.grid).toFixed(9);

let steps = [], fed = {}, chosen = Object.keys(D.presets)[0], hand = "x";

// A slider rounds a value to its own grid. A state that was fed back keeps all its digits until its slider is moved.
function numbers() {
  const n = Object.fromEntries(NAMES.map(name => [name, +$(name).value]));
  for (const [name, value] of Object.entries(fed)) if (onGrid(n[name]) === onGrid(value)) n[name] = value;
  return n;
}

function computed(n) {
  const sum = k => n["W_x" + k] * n.x + n["W_h" + k] * n.h_prev + n["b_" + k];
  const i = sigmoid(sum("i")), f = sigmoid(sum("f")), g = Math.tanh(sum("c")), o = sigmoid(sum("o"));
  const c = f * n.c_prev + i * g;
  return { i, f, g, o, c, h: o * Math.tanh(c), kept: f * n.c_prev, new: i * g };
}

const tooFar = c => Math.abs(onGrid(c)) > D.state.c_prev[1];

const full = c => `No further step: c would be ${number(c, 2)}, and its slider ends at ±${D.state.c_prev[1]}. Press Reset.`;

const mixed = preset => `Preset ${preset}, changed; Reset keeps your weights.`;

function hint(c) {
  if (tooFar(c)) return full(c);
  const {hint: advice, numbers: preset} = D.presets[chosen];
  const changed = D.weights.some(name => Math.abs(+$(name).value - (preset[name] || 0)) > D.grid / 2);
  return changed ? mixed(chosen) : advice + ".";
}

function show() {
  const n = numbers(), made = computed(n), all = { ...n, ...made };
  for (const name of NAMES) $(name + "-shown").value = minus((+$(name).value).toFixed(2));
  for (const place of document.querySelectorAll("[data-value]")) place.textContent = unitNumber(all[place.dataset.value]);
  for (const name of "ifgoch") Object.assign($("value-" + name), { textContent: number(made[name], 4) }).dataset.exact = made[name];
  $("hint").textContent = hint(made.c);
  $("step").setAttribute("aria-disabled", tooFar(made.c));  // `disabled` would take the focus away
  $("hand").value = `${$(hand).dataset.name} = ${$(hand + "-shown").value}`;
  $("taken").textContent = steps.length ? `${steps.length} ${steps.length === 1 ? "step" : "steps"} taken, last c = ${number(steps.at(-1).c, 4)}` : "no step taken yet";
  for (const button of document.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", button.dataset.preset === chosen);
  const given = ["i", "f", "g", "o", "c", "h"].map(name => `${name} = ${number(made[name], 4)}`).join(", ");
  document.querySelector(".cell svg").setAttribute("aria-label", `${D.alt} ${given}.`);
  strip();
}

// c and h of the last steps, as two lines with a dot at each step.
function strip() {
  const first = Math.max(0, steps.length - D.shown), last = steps.slice(first), wide = Math.max(10, last.length);
  const cs = last.map(step => step.c), low = Math.min(-1, ...cs) * 1.15, high = Math.max(1, ...cs) * 1.15;
  const x = k => 40 + 186 * (k + 1) / wide, y = v => 256 - 196 * (v - low) / (high - low);
  const line = (v, color, width) => `<path d="M40 ${y(v)}H228" style="stroke: var(--${color})" stroke-width="${width}"/>`;
  const words = (at, v, text, side, color = "quiet") => `<text x="${at}" y="${v}" text-anchor="${side}" style="fill: var(--${color})">${text}</text>`;
  let svg = line(0, "edge", 1.2);
  const apart = v => v === 0 || Math.abs(y(v) - y(0)) > 15;  // else two numbers would lie on each other
  for (const v of [low / 1.15, 0, high / 1.15].filter(apart)) svg += words(34, y(v) + 4, number(v, Math.abs(v) < 10 && v % 1 ? 1 : 0), "end");
  svg += words(134, 290, first ? `the last ${last.length} of ${steps.length} steps` : "steps taken", "middle");
  svg += words(x(0), 272, first + 1, "middle") + words(x(wide - 1), 272, first + wide, "middle");
  for (const [k, [name, dash]] of [["c", ""], ["h", "7 4"]].entries()) {
    const at = 52 + 90 * k, color = `style="stroke: var(--${name})"`, size = last.length > 12 ? 2 : 3.2;
    const points = last.map((step, place) => [x(place), y(step[name])]);
    svg += `<path d="M${at} 24h28" ${color} stroke-width="2.4" stroke-dasharray="${dash}"/>` + words(at + 36, 29, name, "start", `${name}-text`);
    svg += `<polyline points="${points.join(" ")}" fill="none" ${color} stroke-width="2.4" stroke-dasharray="${dash}"/>`;
    svg += points.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="${size}" style="fill: var(--${name})"/>`).join("");
  }
  $("strip").innerHTML = svg;
}

function move(values) {
  for (const [name, value] of Object.entries(values)) $(name).value = value;
  show();
  later();
}

const numbersOf = preset => ({ ...Object.fromEntries(NAMES.map(name => [name, 0])), ...D.presets[preset].numbers });

function preset(name) {
  steps = []; fed = {}; chosen = name;
  move(numbersOf(name));
}

function reset() {  // the state that the preset starts from; x and the weights stay
  const { c_prev, h_prev } = numbersOf(chosen);
  steps = []; fed = {};
  move({ c_prev, h_prev });
}

function step() {
  const n = numbers(), { c, h } = computed(n);
  if (tooFar(c)) return;
  steps.push({ c, h });
  fed = { c_prev: c, h_prev: h };
  move({ c_prev: onGrid(c), h_prev: onGrid(h) });
  const next = numbers();
  flow(document.querySelector(".cell svg"), { ...next, ...computed(next) }, 1100);
}

// The address keeps the preset, each slider that differs from it, and the steps, so that a reload or a link shows the
// same. A browser may refuse: then the page works without.
function address() {
  const at = new URLSearchParams({ preset: chosen }), from = numbersOf(chosen);
  for (const name of NAMES) if (Math.abs(+$(name).value - from[name]) > D.grid / 2) at.set(name, +$(name).value);
  if (steps.length) {
    const { c, h } = steps.at(-1);
    at.set("steps", steps.length);
    at.set("last", `${c}_${h}`);
    at.set("before", steps.slice(-D.shown, -1).map(past => `${+past.c.toFixed(3)}_${+past.h.toFixed(3)}`).join("_"));
  }
  try { history.replaceState(null, "", "#" + at); } catch { /* too many changes, or not allowed here */ }
}

let waiting;
function later() {
  clearTimeout(waiting);
  waiting = setTimeout(address, 200);
}

const isNumber = text => text !== null && text.trim() !== "" && Number.isFinite(+text);
const pairs = text => {
  const values = (text || "").split("_").filter(isNumber).map(Number);
  return Array.from({ length: values.length >> 1 }, (_, k) => ({ c: values[2 * k], h: values[2 * k + 1] }));
};

function fromAddress() {
  const at = new URLSearchParams(location.hash.slice(1)), asked = at.get("preset"), known = Object.hasOwn(D.presets, asked);
  if (!known && document.documentElement.dataset.ready) return;  // a link inside the page, such as the one to its text
  chosen = known ? asked : chosen; steps = []; fed = {};
  const [last] = pairs(at.get("last")), before = pairs(at.get("before")), count = Math.min(+at.get("steps") || 0, 9999);
  if (last && count >= 1) {
    steps = [...before, last].slice(-count);
    steps.unshift(...Array(Math.floor(count) - steps.length).fill(steps[0]));
    fed = { c_prev: last.c, h_prev: last.h };
  }
  const values = numbersOf(chosen);
  for (const slider of NAMES) $(slider).value = isNumber(at.get(slider)) ? +at.get(slider) : values[slider];
  show();
}

$("step").addEventListener("click", step);
$("reset").addEventListener("click", reset);
for (const button of document.querySelectorAll("[data-preset]")) button.addEventListener("click", () => preset(button.dataset.preset));
for (const name of NAMES) {
  const slider = $(name);
  let before;
  slider.addEventListener("input", () => { hand = name; show(); later(); });
  slider.addEventListener("focus", () => { hand = name; show(); });
  // a finger that scrolls the page may begin on a slider: the browser then cancels the touch, and the value goes back
  slider.addEventListener("pointerdown", () => { before = slider.value; });
  slider.addEventListener("pointercancel", () => move({ [name]: before }));
}
for (const [id, by] of [["less", -D.grid], ["more", D.grid]]) $(id).addEventListener("click", () => move({ [hand]: onGrid(+$(hand).value + by) }));
addEventListener("hashchange", fromAddress);
// What stays at the top of the window must not cover the slider that has the focus.
const seen = document.querySelector(".seen"), covered = () => {
  const stays = [seen, seen.parentElement].some(part => getComputedStyle(part).position === "sticky");
  document.documentElement.style.scrollPaddingTop = stays ? `${seen.offsetHeight + 16}px` : "";
};
new ResizeObserver(covered).observe(seen);
// A slider must not move away while it is dragged.
reserve($("hint"), [...Object.entries(D.presets).flatMap(([name, { hint }]) => [`${hint}.`, mixed(name)]), full(-D.state.c_prev[1] - 1.25)]);
fromAddress();
document.documentElement.dataset.ready = "true";
