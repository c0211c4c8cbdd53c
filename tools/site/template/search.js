// Every word of the query has to stand in a section or in its headings. What stands in a heading comes first.
"use strict";
const MOST = 30, AROUND = 90, field = document.getElementById("q"), list = document.getElementById("found"), count = document.getElementById("count");
const SECTIONS = INDEX.flatMap(([page, lesson, sections]) => sections.map(([anchor, heading, words]) =>
  ({ page, lesson, anchor, heading, words, title: `${lesson} ${heading}`.toLowerCase(), text: words.toLowerCase() })));
const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function score({ title, text }, terms) {
  let sum = 0;
  for (const { term, start } of terms) {
    if (!title.includes(term) && !text.includes(term)) return 0;
    sum += (title.match(start)?.length || 0) * 12 + Math.min(6, text.match(start)?.length || 0) * 2 + 1;
  }
  return sum;
}

// The text with its hits as <mark>, built from text nodes: what is typed never becomes markup.
function marked(place, text, hits) {
  for (const [k, part] of text.split(hits).entries()) {
    if (k % 2) place.appendChild(document.createElement("mark")).textContent = part; else place.append(part);
  }
}

function excerpt(words, hits) {
  const at = words.search(hits), from = at <= AROUND ? 0 : words.indexOf(" ", at - AROUND) + 1;
  const end = Math.min(words.length, Math.max(from, at) + 2 * AROUND);
  return `${from ? "… " : ""}${words.slice(from, end)}${end < words.length ? " …" : ""}`;
}

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.replaceChildren();
  if (!words.join("")) { count.textContent = ""; return; }
  const terms = words.map(term => ({ term, start: new RegExp(`(?<![\\p{L}\\p{N}])${escaped(term)}`, "gu") }));
  const hits = new RegExp(`(${words.map(escaped).join("|")})`, "iu");
  const all = new RegExp(hits.source, "giu");
  const found = SECTIONS.map(section => [score(section, terms), section]).filter(([points]) => points).sort((a, b) => b[0] - a[0]);
  for (const [, { page, lesson, anchor, heading, words: text }] of found.slice(0, MOST)) {
    const item = list.appendChild(document.createElement("li")), link = item.appendChild(document.createElement("a"));
    link.href = `${page}#${encodeURIComponent(anchor)}`;
    marked(link, heading, all);
    item.appendChild(document.createElement("span")).textContent = lesson;
    marked(item.appendChild(document.createElement("p")), excerpt(text, hits), all);
  }
  const places = `${found.length} ${found.length === 1 ? "place" : "places"}`;
  count.textContent = found.length > MOST ? `${places}; the first ${MOST} are below.` : found.length ? `${places}.` : "Nothing found. Try fewer or shorter words.";
}

let waiting;
field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
field.form.addEventListener("submit", event => { event.preventDefault(); clearTimeout(waiting); search(); list.querySelector("a")?.focus(); });
field.value = new URLSearchParams(location.search).get("q") || "";
search();
document.documentElement.dataset.ready = "true";
