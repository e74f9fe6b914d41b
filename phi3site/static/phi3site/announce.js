// One polite live region for short spoken notes ("Copied", "Answer finished").
let region = null;

export function announce(text) {
  region ??= document.querySelector("[data-announce]");
  if (!region) return;
  region.textContent = "";
  // A change must be seen by the screen reader even when the words are the same as before.
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
