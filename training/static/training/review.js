// The keyboard of the review: a link or button with data-key is chosen by that key.

const typing = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.target.closest?.(typing) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const chosen = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!chosen) return;
  event.preventDefault();
  chosen.click();
});
