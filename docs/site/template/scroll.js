// What is wider than its box scrolls there; the keyboard reaches it, while it does.
const boxes = document.querySelectorAll("pre, .wide, .formula, .picture");
const reach = () => boxes.forEach(box => {
  const wide = box.scrollWidth > box.clientWidth + 1;
  if (wide) box.tabIndex = 0; else box.removeAttribute("tabindex");
});
addEventListener("resize", reach);
addEventListener("load", reach);
document.addEventListener("toggle", reach, true);
reach();
