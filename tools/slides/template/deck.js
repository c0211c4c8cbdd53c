"use strict";
// Pack the pieces into slides of 1280 × 720, then turn them. Nothing shrinks below 24 px: what is too long is cut.
const LIMIT = 636, WIDTH = 1168;  // the height and width of a slide's body
const ROOM = {width: 1272, height: 666};  // for a picture
const SMALLEST = 30, LARGEST = 42;  // the size of its text
const stage = document.getElementById("stage");
const slides = [];
let heading = "", subheading = "";  // repeated on the slides that go on; the second one within its own run

const isHeading = node => /^H[1-6]$/.test(node.tagName);
const isPicture = node => node.matches(".figure, .frame");
const words = node => {
  const copy = node.cloneNode(true);
  copy.querySelectorAll(".anchor-link").forEach(link => link.remove());
  return copy.innerHTML;
};

const plain = html => html.replace(/<[^>]*>/g, "");

function blocks(piece) {
  // What a piece consists of, one below the other: paragraphs, lists, tables, code, pictures.
  const found = [];
  for (const node of [...piece.childNodes]) {
    if (node.nodeType === 3 && node.data.trim()) {
      const own = document.createElement("p");
      own.textContent = node.data;
      found.push(own);
    } else if (node.nodeType === 1 && node.tagName === "DIV" && !node.matches(".wide, .figure, .frame, .highlight") ) found.push(...blocks(node));
    else if (node.nodeType === 1 && !["STYLE", "SCRIPT"].includes(node.tagName)) {
      const inside = [...node.querySelectorAll("span.picture, .figure")];
      if (node.tagName === "P" && inside.length && !node.textContent.trim()) found.push(...inside.map(figure));
      else found.push(node);
    }
  }
  return found;
}

function figure(node) {
  const box = document.createElement("div");
  box.className = "figure";
  box.append(node.querySelector("img") || node);
  return box;
}

function inLines(pre) {
  // Pygments closes its spans at the end of each line, so a line is a piece of HTML.
  const code = pre.querySelector("code") || pre;
  pre.innerHTML = code.innerHTML.replace(/^\n|\n+$/g, "").split("\n").map(whole => {
    const line = whole.replace(/^ {24,}/, " ".repeat(24)).trimEnd();
    const indent = line.replace(/<[^>]*>/g, "").match(/^ */)[0].length;
    return `<div class="line" style="--indent:${indent}">${line}</div>`;
  }).join("");
}

function newSlide() {
  const slide = document.createElement("section");
  slide.className = "slide";
  slide.append(document.createElement("div"));
  slide.firstChild.className = "body";
  stage.append(slide);
  return slide;
}

const body = slide => slide.firstChild;
const fits = (slide, limit) => body(slide).getBoundingClientRect().height <= limit;

function keep(slide) {
  slides.push(slide);
  slide.hidden = true;
  slide.dataset.heading ||= plain(heading);
}

function repeatHeading(slide, first) {
  if (!heading || isHeading(first) && first.tagName !== "H4") return;
  const where = document.createElement("p");
  where.className = "where";
  where.innerHTML = subheading || heading;
  body(slide).append(where);
}

// What can be cut, and between which parts: the rows of a table, the items of a list, the lines of code.
function parts(block) {
  const table = block.querySelector("table");
  if (table) return [...table.querySelectorAll("tbody tr")];
  const lines = block.tagName === "PRE" ? block : block.querySelector("pre");
  if (lines) return [...lines.children];
  return /^[UO]L$/.test(block.tagName) ? [...block.children] : [];
}

function withParts(block, from, to) {
  const copy = block.cloneNode(true);
  parts(copy).forEach((part, k) => (k < from || k >= to) && part.remove());
  if (copy.tagName === "OL") copy.start = (block.start || 1) + from;
  return copy;
}

function most(count, fitting) {
  // The largest k up to count with fitting(k), 0 if there is none; what fits with k parts also fits with fewer.
  let low = 0, high = count;
  while (low < high) {
    const k = Math.ceil((low + high) / 2);
    if (fitting(k)) low = k; else high = k - 1;
  }
  return low;
}

function fitsAs(block, part, slide, limit) {
  block.replaceWith(part);
  const fitting = fits(slide, limit);
  part.replaceWith(block);
  return fitting;
}

function cut(block, slide, limit) {
  // [what fits on this slide, the rest], or null if nothing of it does
  const all = parts(block);
  if (!all.length) return cutText(block, slide, limit);
  let k = most(all.length - 1, k => fitsAs(block, withParts(block, 0, k), slide, limit));
  if (!k) return null;
  let next = k;
  if (block.querySelector(".line")) {  // code is cut at a blank line if there is one in the second half
    const blank = j => !all[j].textContent.trim();
    for (let j = k; j > k / 2; j--) if (blank(j)) { k = next = j; break; }
    while (next < all.length - 1 && blank(next)) next++;
  }
  return [withParts(block, 0, k), withParts(block, next, all.length)];
}

function cutText(block, slide, limit) {
  // Between two sentences, or else between two words, outside of formulas.
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const places = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("math, .held, code")) continue;
    for (const found of node.data.matchAll(/\s/g)) {
      if (found.index) places.push([node, found.index, /[.?!]\)?$/.test(node.data.slice(0, found.index))]);
    }
  }
  const share = ([node, index], side) => {
    const range = document.createRange();
    range.selectNodeContents(block);
    range[side](node, index);
    const copy = block.cloneNode(false);
    copy.append(range.cloneContents());
    return copy;
  };
  for (const allowed of [places.filter(place => place[2]), places]) {
    const k = most(allowed.length, k => fitsAs(block, share(allowed[k - 1], "setEnd"), slide, limit));
    if (k) return [share(allowed[k - 1], "setEnd"), share(allowed[k - 1], "setStart")];
  }
  return null;
}

function narrow(block) {
  // A table that is too wide: smaller gaps, then fewer columns at a time, each time with the first one.
  const table = block.querySelector("table");
  if (!table || table.offsetWidth <= WIDTH) return [block];
  table.classList.add("tight");
  if (table.offsetWidth <= WIDTH) return [block];
  const count = table.rows[0].cells.length;
  const shares = [];
  for (let from = 1; from < count;) {
    let share = null, to = from;
    while (to < count) {
      const copy = block.cloneNode(true);
      for (const row of copy.querySelectorAll("tr")) {
        [...row.cells].forEach((cell, k) => k && (k < from || k > to) && cell.remove());
      }
      block.after(copy);
      const wide = copy.querySelector("table").offsetWidth;
      copy.remove();
      if (wide > WIDTH && share) break;
      share = copy;
      to++;
    }
    shares.push(share);
    from = to;
  }
  return shares.length ? shares : [block];
}

function tightened(block, slide) {
  // Whether a table that is a little too tall fits with less room between its rows.
  const table = block.querySelector("table");
  if (!table || table.matches(".tight")) return false;
  table.classList.add("tight");
  if (fits(slide, LIMIT)) return true;
  table.classList.remove("tight");
  return false;
}

function inkWidth(math) {
  // Of what stands in a formula: its own box is as wide as the slide.
  const range = document.createRange();
  range.selectNodeContents(math);
  return range.getBoundingClientRect().width;
}

function inRows(block) {
  // A formula that is too wide: in rows, cut at wide gaps and before signs such as = and +.
  const math = block.querySelector("math");
  if (!math || inkWidth(math) <= WIDTH) return;
  let whole = math;
  while (whole.children.length === 1) whole = whole.firstElementChild;
  const all = [...whole.children];
  const may = all.map((node, k) => k > 0 && (node.tagName === "mspace" || node.tagName === "mo" && /^[=≈<>≤≥+−∝→-]$/.test(node.textContent)));
  const gap = all.map(node => node.tagName === "mspace");
  let row = math.cloneNode(false), last = 0;
  block.replaceChildren(row);
  all.forEach((node, k) => {
    const open = gap[last] && all[last].parentNode === row && row.firstChild !== all[last];
    if (may[k] && (gap[k] || !open)) last = k;  // rather at a gap than before a sign
    row.append(node);
    if (inkWidth(row) <= WIDTH || !last || all[last].parentNode !== row || row.firstChild === all[last]) return;
    const rest = all.slice(gap[last] ? last + 1 : last, k + 1);
    if (gap[last]) all[last].remove();
    row = math.cloneNode(false);
    row.append(...rest);
    block.append(row);
  });
}

function lay(run, limit) {
  // The blocks of a run on as few slides as they need. With a lower limit the same number may be fuller at the end.
  const made = [];
  const queue = run.map(block => block.cloneNode(true));
  const before = heading;
  let slide = null;
  subheading = "";
  let faults = 0;  // lines that announce what stands on the next slide, and code in two parts
  const close = () => {
    if (queue.length && body(slide).lastChild.textContent.trim().endsWith(":")) faults++;
    made.push(slide);
    slide.dataset.heading = plain(subheading || heading);
    slide = null;
  };
  while (queue.length) {
    const block = queue.shift();
    if (!slide) {
      slide = newSlide();
      repeatHeading(slide, block);
    }
    const earlier = [...body(slide).children].filter(node => !node.matches(".where"));
    body(slide).append(block);
    if (/^H[1-3]$/.test(block.tagName)) {  // that of an exercise holds for the exercise alone
      if (block.textContent.startsWith("Your turn")) subheading = words(block);
      else [heading, subheading] = [words(block), ""];
    }
    (block.matches(".formula") ? [block] : block.querySelectorAll(".formula")).forEach(inRows);
    const shares = narrow(block);
    if (shares.length > 1) {
      block.remove();
      queue.unshift(...shares);
      continue;
    }
    if (fits(slide, limit) || tightened(block, slide)) continue;
    const alone = earlier.length === earlier.filter(isHeading).length;
    const halves = alone || block.getBoundingClientRect().height > LIMIT * .9 ? cut(block, slide, limit) : null;
    if (halves) {
      if (block.querySelector(".line")) faults++;
      block.replaceWith(halves[0]);
      queue.unshift(halves[1]);
      close();
    } else if (earlier.length) {
      const carried = [block];  // a heading, or a line that announces the block, goes with it if something else stays
      const announces = node => isHeading(node) || node.textContent.trim().endsWith(":");
      const stays = earlier.findLastIndex(node => !announces(node));
      if (stays >= 0) carried.unshift(...earlier.slice(stays + 1));
      carried.forEach(node => node.remove());
      queue.unshift(...carried);
      close();
    } else if (block.querySelector("tbody tr td")) {
      block.remove();
      queue.unshift(...withoutTable(block));
    } else {
      fitAlone(block, slide);
      close();
    }
  }
  if (slide) close();
  const after = heading;
  heading = before;
  return {made, after, faults};
}

function withoutTable(block) {
  // The first row of a table, too tall for a slide, as a block for each of its cells; then the other rows.
  const heads = [...block.querySelectorAll("thead th")].map(head => head.textContent);
  const cells = [...block.querySelector("tbody tr").cells].flatMap((cell, k) => {
    const head = document.createElement("p");
    head.innerHTML = `<strong>${heads[k] || ""}</strong>`;
    const own = cell.querySelector("pre") || document.createElement("p");
    if (own.tagName === "P") own.innerHTML = cell.innerHTML;
    return [head, own];
  });
  const rest = withParts(block, 1, Infinity);
  return rest.querySelector("tbody tr") ? [...cells, rest] : cells;
}

function fitAlone(block, slide) {
  // A picture within a text becomes smaller; text does not.
  for (const image of block.querySelectorAll("img")) {
    const over = body(slide).getBoundingClientRect().height - LIMIT;
    image.style.maxHeight = `${Math.max(100, image.getBoundingClientRect().height - over)}px`;
  }
}

function grow(slide) {
  // Larger letters where there is room, for the last row.
  const fitting = () => fits(slide, LIMIT * .8) && [...body(slide).querySelectorAll("table")].every(table => table.offsetWidth <= WIDTH)
    && [...body(slide).querySelectorAll(".formula > math")].every(math => inkWidth(math) <= WIDTH);
  for (let size = LARGEST; size > SMALLEST; size -= 3) {
    body(slide).style.fontSize = `${size}px`;
    if (fitting()) return;
  }
  body(slide).style.fontSize = "";
}

function pack(run, above = false) {
  if (!run.length) return;
  const last = slides.at(-1);
  if (last && body(last).matches(".figure") && withPicture(run, body(last), last)) return;
  if (isPicture(run[0])) {
    const slide = newSlide();
    if (above) {
      repeatHeading(slide, run[0]);
      run[0].classList.add("below");
    } else body(slide).remove();
    slide.append(run[0]);
    keep(slide);
    return;
  }
  let best = lay(run, LIMIT);
  for (let share = .9; best.made.length > 1 && share > .5; share -= .1) {  // of equal height, rather than one line at the end
    const next = lay(run, LIMIT * share);
    const worse = next.made.length > best.made.length || next.faults > best.faults;
    (worse ? next : best).made.forEach(slide => slide.remove());
    if (!worse) best = next;
    if (next.made.length > best.made.length) break;
  }
  heading = best.after;
  best.made.forEach(grow);
  best.made.forEach(keep);
}

const asks = node => /^(Predict|Questions?|Quick question)\b|\?$/.test(node.textContent.trim());

function withPicture(run, picture, slide) {
  // A line printed above a picture, or a text below it, on its slide, if the picture stays as large as alone.
  const above = !slide;
  if (run.length !== 1 || !picture.matches(".figure") || !run[0].matches(above ? "pre.text" : "p")) return false;
  if (!above && (asks(run[0]) || "begins" in run[0].dataset)) return false;
  if (above) (slide = newSlide()).append(picture);
  else body(slide) === picture && slide.prepend(document.createElement("div"));
  slide.hidden = false;
  const text = body(slide), image = picture.querySelector("img");
  text.className = "body";
  text.append(run[0]);
  const needed = text.getBoundingClientRect().height + 40;  // from the edge of the slide
  const fitting = ROOM.height - needed >= Math.min(ROOM.height, ROOM.width * image.naturalHeight / image.naturalWidth);
  if (fitting && above) picture.style.top = `${needed}px`;
  else if (fitting) [text.style.top, text.style.bottom, picture.style.bottom] = ["auto", "56px", `${needed + 48}px`];
  else text.remove();
  if (above && fitting) keep(slide);
  else if (above) slide.remove();
  slide.hidden = true;
  return fitting;
}

const alone = run => run.length === 1 && /^H[1-3]$/.test(run[0].tagName);

function build() {
  const pieces = document.getElementById("pieces");
  pieces.querySelectorAll("pre").forEach(inLines);
  let run = [];
  for (const piece of pieces.querySelectorAll(".piece")) {
    if ("begins" in piece.dataset && !alone(run)) { pack(run); run = []; }
    for (const [k, block] of blocks(piece).entries()) {
      if (!k && "begins" in piece.dataset) block.dataset.begins = "";
      if (piece.matches(".choices")) block.classList.add("choices");
      if (/^H[12]$/.test(block.tagName)) { pack(run); run = []; }  // a section begins a slide
      if (isPicture(block)) {
        const above = alone(run);  // a heading alone stands above the picture
        if (above) heading = words(run[0]);
        if (above || !withPicture(run, block, null)) {
          if (!above) pack(run);
          pack([block], above);
        }
        run = [];
      } else run.push(block);
    }
  }
  pack(run);
  pieces.remove();
  slides.forEach((slide, k) => {
    slide.setAttribute("role", "group");
    slide.setAttribute("aria-label", `Slide ${k + 1} of ${slides.length}`);
  });
}

let now = 0, notes = null;

function show(k, jump = true) {
  slides[now].hidden = true;
  now = Math.max(0, Math.min(slides.length - 1, k));
  slides[now].hidden = false;
  document.getElementById("count").textContent = `${now + 1} / ${slides.length}`;
  document.getElementById("back").disabled = !now;
  document.getElementById("on").disabled = now === slides.length - 1;
  if (jump) history.replaceState(null, "", `#${now + 1}`);
  tellNotes();
}

function tellNotes() {
  if (!notes || notes.closed) return;
  const next = slides[now + 1] ? slides[now + 1].dataset.heading : "the end";
  notes.document.body.innerHTML = `<p>Slide ${now + 1} of ${slides.length}. Next: ${next}</p>${document.getElementById("notes").innerHTML}`;
}

function openNotes() {
  notes = window.open("", "notes", "width=720,height=800");
  if (!notes) return;
  notes.document.title = "Notes";
  notes.document.head.innerHTML = document.querySelector("style").outerHTML + "<style>html,body{overflow:auto}body{padding:1em;font-size:20px}</style>";
  notes.document.addEventListener("keydown", turn);
  tellNotes();
}

function turn(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const onButton = event.target.closest && event.target.closest("button, a") && [" ", "Enter"].includes(event.key);
  const steps = {ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": event.shiftKey ? -1 : 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1};
  if (onButton) return;
  if (event.key in steps) show(now + steps[event.key]);
  else if (event.key === "Home") show(0);
  else if (event.key === "End") show(slides.length - 1);
  else if (event.key === "f") document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
  else if (event.key === "s") openNotes();
  else return;
  event.preventDefault();
}

function scale() {
  const factor = Math.min(innerWidth / 1280, innerHeight / 720);
  stage.style.transform = `translate(${(innerWidth - 1280 * factor) / 2}px, ${(innerHeight - 720 * factor) / 2}px) scale(${factor})`;
  document.getElementById("strip").style.transform = `scale(${factor})`;
}

const decoded = () => Promise.all([...document.images].map(image => image.decode().catch(() => null)));

document.fonts.load('30px "Lesson Math"').then(() => document.fonts.ready).then(decoded).then(() => {
  build();
  scale();
  show((parseInt(location.hash.slice(1)) || 1) - 1, false);
  addEventListener("resize", scale);
  addEventListener("keydown", turn);
  addEventListener("hashchange", () => show((parseInt(location.hash.slice(1)) || 1) - 1, false));
  document.getElementById("back").onclick = () => show(now - 1);
  document.getElementById("on").onclick = () => show(now + 1);
  document.body.dataset.ready = slides.length;
});
