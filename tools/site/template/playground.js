// One LSTM unit, equations 1 to 5, in double precision as in Python. Names, ranges, presets and colours are data of
// the page, taken from lstm_lesson.explorers.playground.
"use strict";
const D = JSON.parse(document.getElementById("data").textContent);
const NAMES = [...Object.keys(D.state), ...D.weights];
const $ = id => document.getElementById(id);
const sigmoid = z => 1 / (1 + Math.exp(-z));
const onGrid = v => +(Math.round(v / D.grid) * D.grid).toFixed(9);
const minus = text => text.replace("-", "−");
const number = (v, digits) => minus(v.toFixed(digits).replace(/^-(0\.?0*)$/, "$1"));
const unitNumber = v => {  // as unit_number in lstm_lesson/plots/numbers.py
  const size = Math.abs(v);
  return number(v, (size > 0 && size < 0.01) || (size > 0.99 && size < 1) ? 3 : 2);
};

let steps = [], fed = {}, chosen = Object.keys(D.presets)[0];

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

function hint(c) {
  if (tooFar(c)) return `No further step: c would be ${number(c, 2)}, and its slider ends at ±${D.state.c_prev[1]}. Press Reset.`;
  const {hint: advice, numbers: preset} = D.presets[chosen];
  const changed = D.weights.some(name => Math.abs(+$(name).value - (preset[name] || 0)) > D.grid / 2);
  return changed ? `Preset ${chosen}, changed.` : advice + ".";
}

function show() {
  const n = numbers(), made = computed(n), all = { ...n, ...made };
  for (const name of NAMES) $(name + "-shown").value = minus((+$(name).value).toFixed(2));
  for (const place of document.querySelectorAll("[data-value]")) place.textContent = unitNumber(all[place.dataset.value]);
  for (const name of "ifgoch") Object.assign($("value-" + name), { textContent: number(made[name], 4) }).dataset.exact = made[name];
  $("hint").textContent = hint(made.c);
  $("step").disabled = tooFar(made.c);
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
  const line = (v, color, width) => `<path d="M40 ${y(v)}H228" stroke="${color}" stroke-width="${width}"/>`;
  const words = (at, v, text, side, color = D.ink) => `<text x="${at}" y="${v}" text-anchor="${side}" fill="${color}">${text}</text>`;
  let svg = `<rect width="240" height="300" rx="8" fill="#fff"/>` + line(0, "#B8BCC2", 1.2);
  for (const v of [low / 1.15, 0, high / 1.15]) svg += words(34, y(v) + 4, number(v, Math.abs(v) < 10 && v % 1 ? 1 : 0), "end");
  svg += words(134, 290, "steps taken", "middle") + words(x(0), 272, first + 1, "middle") + words(x(wide - 1), 272, first + wide, "middle");
  for (const [k, [name, dash]] of [["c", ""], ["h", "7 4"]].entries()) {
    const color = D.colors[name], at = 52 + 90 * k;
    const points = last.map((step, place) => [x(place), y(step[name])]);
    svg += `<path d="M${at} 24h28" stroke="${color}" stroke-width="2.4" stroke-dasharray="${dash}"/>` + words(at + 36, 29, name, "start", color);
    svg += `<polyline points="${points.join(" ")}" fill="none" stroke="${color}" stroke-width="2.4" stroke-dasharray="${dash}"/>`;
    svg += points.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3.2" fill="${color}"/>`).join("");
  }
  $("strip").innerHTML = svg;
}

function move(values) {
  for (const [name, value] of Object.entries(values)) $(name).value = value;
  show();
}

function preset(name) {
  steps = []; fed = {}; chosen = name;
  move({ ...Object.fromEntries(NAMES.map(name => [name, 0])), ...D.presets[name].numbers });
}

$("step").addEventListener("click", () => {
  const n = numbers(), { c, h } = computed(n);
  if (tooFar(c)) return;
  steps.push({ x: n.x, c, h });
  fed = { c_prev: c, h_prev: h };
  move({ c_prev: onGrid(c), h_prev: onGrid(h) });
});
$("reset").addEventListener("click", () => { steps = []; fed = {}; move({ c_prev: 0, h_prev: 0 }); });
for (const button of document.querySelectorAll("[data-preset]")) button.addEventListener("click", () => preset(button.dataset.preset));
for (const name of NAMES) $(name).addEventListener("input", show);
preset(chosen);
document.documentElement.dataset.ready = "true";
