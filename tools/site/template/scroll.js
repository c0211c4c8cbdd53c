// What is wider than its box scrolls there: the keyboard reaches it, and its edge fades as long as more follows.
const boxes = document.querySelectorAll("pre, .wide, .formula, .long, .picture");
const fade = box => box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
const reach = () => boxes.forEach(box => {
  const wide = box.scrollWidth > box.clientWidth + 1;
  if (wide) box.tabIndex = 0; else box.removeAttribute("tabindex");
  fade(box);
});
for (const box of boxes) box.addEventListener("scroll", () => fade(box));
addEventListener("resize", reach);
addEventListener("load", reach);
document.addEventListener("toggle", reach, true);
reach();
// On paper every fold is open, but for the answers to questions, which stand at the end.
let shut = [];
addEventListener("beforeprint", () => {
  shut = [...document.querySelectorAll("details:not([open]):not(.answer)")];
  for (const fold of shut) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of shut) fold.open = false; });
// Pictures further down come after the first look, so that paper has them, too.
addEventListener("load", () => setTimeout(() => { for (const image of document.images) image.loading = "eager"; }, 500));
