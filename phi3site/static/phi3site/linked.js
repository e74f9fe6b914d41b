// Lights up whatever belongs to the same chunk as what the pointer or the focus is on.
// Elements say what they belong to by data-chunk; the CSS class is is-lit.

function light(target) {
  const id = target instanceof Element ? target.closest("[data-chunk]")?.dataset.chunk : undefined;
  for (const element of document.querySelectorAll("[data-chunk]")) {
    element.classList.toggle("is-lit", id !== undefined && element.dataset.chunk === id);
  }
}

for (const name of ["pointerover", "focusin"]) {
  document.addEventListener(name, (event) => light(event.target));
}
