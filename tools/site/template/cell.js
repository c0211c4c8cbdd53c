// What the pages with the drawn cell share: numbers as the drawing prints them, and dots that run along its lines.
"use strict";
const $ = id => document.getElementById(id);
const minus = text => text.replace("-", "−");
const number = (v, digits) => minus(v.toFixed(digits).replace(/^-(0\.?0*)$/, "$1"));
const unitNumber = v => {  // as unit_number in lstm_lesson/plots/numbers.py
  const size = Math.abs(v);
  return number(v, (size > 0 && size < 0.01) || (size > 0.99 && size < 1) ? 3 : 2);
};
const lessMotion = matchMedia("(prefers-reduced-motion: reduce)"), still = () => lessMotion.matches;

// Room for the longest of these texts, so that nothing below a place moves when its text changes.
function reserve(place, texts) {
  const measure = () => {
    const ghost = place.cloneNode();
    Object.assign(ghost.style, { position: "absolute", visibility: "hidden", minHeight: 0, width: `${place.getBoundingClientRect().width}px` });
    place.after(ghost);
    place.style.minHeight = `${Math.max(...texts.map(text => (ghost.textContent = text, Math.ceil(ghost.getBoundingClientRect().height))))}px`;
    ghost.remove();
  };
  addEventListener("resize", measure);
  measure();
}

// [value, line in the drawing, from, to]: when its dot runs, as shares of the whole time. First c and h come back to the left.
const LINES = [
  ["c_prev", "M1238 120C1238 10 40 10 40 120", 0, .25], ["h_prev", "M1238 508C1238 620 40 620 40 508", 0, .25],
  ...[290, 470, 650, 830].flatMap(x => [["x", `M206 618V508H${x}V455`, .2, .45], ["h_prev", `M40 508H${x}V455`, .25, .45]]),
  ["f", "M290 359V147", .45, .6], ["i", "M470 359V268H623", .45, .6], ["g", "M650 359V295", .45, .6], ["o", "M830 359V268H943", .5, .85],
  ["c_prev", "M40 120H264", .3, .6], ["kept", "M316 120H624", .6, .72], ["new", "M650 242V147", .6, .72],
  ["c", "M676 120H1238", .72, 1], ["c", "M970 120V241", .78, .86], ["h", "M996 268H1086V508H1238", .86, 1],
];
const COLOR = { c_prev: "c", kept: "c", new: "c", h_prev: "h", x: "h" };

// A dot is as large as its value; a value of 0 has none. Nobody who asked for less motion sees any.
function flow(svg, values, ms) {
  svg.querySelector(".flow")?.remove();
  if (still()) return;
  const make = name => document.createElementNS("http://www.w3.org/2000/svg", name);
  const group = svg.appendChild(make("g"));
  group.setAttribute("class", "flow");
  const runs = LINES.filter(([name]) => Math.abs(values[name]) > 0.02).map(([name, d, from, to]) => {
    const line = make("path"), dot = group.appendChild(make("circle"));
    line.setAttribute("d", d);
    dot.setAttribute("r", 7 + 9 * Math.min(1, Math.abs(values[name])));
    dot.style.fill = `var(--${COLOR[name] || name})`;  // of the page, light or dark
    return { line, dot, from, to, length: line.getTotalLength() };
  });
  const began = performance.now();
  const frame = now => {
    const share = (now - began) / ms;
    for (const { line, dot, from, to, length } of runs) {
      const part = (share - from) / (to - from);
      dot.style.visibility = part >= 0 && part <= 1 ? "visible" : "hidden";
      if (part >= 0 && part <= 1) dot.setAttribute("transform", (at => `translate(${at.x} ${at.y})`)(line.getPointAtLength(part * length)));
    }
    if (share >= 1 || still()) group.remove();
    else if (group.isConnected) requestAnimationFrame(frame);
  };
  frame(began);
}
