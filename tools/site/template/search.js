// Every word of the query has to stand in a section or in its headings. What stands in a heading comes first, and
// before it a lesson that is named so.
"use strict";
const MOST = 30, AROUND = 90, field = document.getElementById("q"), list = document.getElementById("found"), count = document.getElementById("count");
const more = document.getElementById("more"), instead = document.getElementById("instead");
const plain = text => text.toLowerCase().replaceAll("−", "-");  // as long as the text itself
const SECTIONS = INDEX.flatMap(([page, lesson, sections]) => sections.map(([anchor, heading, words], k) =>
  ({ page, lesson, anchor, heading, words, first: k === 0, title: plain(`${lesson} ${heading}`), text: plain(words) })));
const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const BEFORE = "(?<![\\p{L}\\p{N}])", AFTER = "(?![\\p{L}\\p{N}])";

// The words that count: no punctuation alone. One or two letters have to be a whole word, or nearly all would fit.
function termsOf(query) {
  return plain(query).split(/\s+/).filter(term => /[\p{L}\p{N}\p{S}_]/u.test(term)).map(term => {
    const short = term.length < 3 && /^[\p{L}\p{N}]+$/u.test(term);
    return { term, start: new RegExp(BEFORE + escaped(term) + (short ? AFTER : ""), "gu"), any: short ? BEFORE + escaped(term) + AFTER : escaped(term) };
  });
}

const holds = (section, { any }) => (re => re.test(section.title) || re.test(section.text))(new RegExp(any, "u"));

function score(section, terms, phrase) {
  if (!terms.every(term => holds(section, term))) return 0;
  let sum = section.title.includes(phrase) ? section.first ? 200 : 20 : section.text.includes(phrase) ? 5 : 0;
  for (const { start } of terms) sum += (section.title.match(start)?.length || 0) * 12 + Math.min(6, section.text.match(start)?.length || 0) * 2 + 1;
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

// How many letters one has to put in, leave out, change or swap with the next to make one word of the other.
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, k) => k)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}

let known;
// The most frequent of the words of the lessons that are nearest to this one; nothing if all are far.
function nearest(term) {
  if (!known) {
    known = new Map();
    for (const { title, text } of SECTIONS) for (const word of `${title} ${text}`.match(/[\p{L}\p{N}_]{3,}/gu) || []) known.set(word, (known.get(word) || 0) + 1);
  }
  let best = "", least = term.length < 6 ? 1.5 : 2.5, times = 0;
  for (const [word, often] of known) {
    if (Math.abs(word.length - term.length) >= least + 1) continue;
    const far = distance(term, word);
    if (far < least || (far === least && often > times)) [best, least, times] = [word, far, often];
  }
  return best;
}

function suggested(terms) {
  const words = terms.map(term => SECTIONS.some(section => holds(section, term)) ? term.term : nearest(term.term));
  return words.every(Boolean) && words.some((word, k) => word !== terms[k].term) ? words.join(" ") : "";
}

let found = [], all;
function add(sections) {
  for (const { page, lesson, anchor, heading, words: text } of sections) {
    const item = list.appendChild(document.createElement("li")), link = item.appendChild(document.createElement("a"));
    link.href = `${page}#${encodeURIComponent(anchor)}`;
    marked(link, heading, all);
    item.appendChild(document.createElement("span")).textContent = lesson;
    marked(item.appendChild(document.createElement("p")), excerpt(text, new RegExp(all.source, "iu")), all);
  }
}

function search() {
  const typed = field.value.trim(), terms = termsOf(typed);
  try { history.replaceState(null, "", location.pathname + (typed ? `?q=${encodeURIComponent(typed)}` : "")); } catch { /* not allowed here: then Back brings no words */ }
  list.replaceChildren();
  more.hidden = instead.parentElement.hidden = true;
  if (!terms.length) { count.textContent = typed ? "Type at least one letter, number or sign." : ""; return; }
  const phrase = terms.map(({ term }) => term).join(" ");
  // a minus is found as a hyphen, too
  all = new RegExp(`(${terms.map(({ any }) => any.replaceAll("-", "[-−]")).join("|")})`, "giu");
  found = SECTIONS.map(section => [score(section, terms, phrase), section]).filter(([points]) => points).sort((a, b) => b[0] - a[0]).map(([, section]) => section);
  add(found.slice(0, MOST));
  const places = `${found.length} ${found.length === 1 ? "place" : "places"}`;
  more.hidden = found.length <= MOST;
  more.textContent = `Show the other ${found.length - MOST}`;
  count.textContent = found.length > MOST ? `${places}; the first ${MOST} are below.` : found.length ? `${places}.` : "Nothing found. Try fewer or shorter words.";
  const other = found.length ? "" : suggested(terms);
  instead.textContent = other;
  instead.parentElement.hidden = !other;
}

let waiting;
field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
field.form.addEventListener("submit", event => { event.preventDefault(); clearTimeout(waiting); search(); list.querySelector("a")?.focus(); });
more.addEventListener("click", () => {
  add(found.slice(MOST));
  more.hidden = true;
  count.textContent = `${found.length} places.`;
  list.children[MOST].querySelector("a").focus();
});
instead.addEventListener("click", () => { field.value = instead.textContent; search(); field.focus(); });
field.value = new URLSearchParams(location.search).get("q") || "";
search();
document.documentElement.dataset.ready = "true";
