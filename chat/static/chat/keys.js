// The keyboard of the chat: / writes, Ctrl-K searches, Esc closes or stops, ? helps; n, e, r, c press
// buttons.

function isTyping(target) {
  return target.closest?.("input, textarea, select, [contenteditable]");
}

function escape(chat) {
  if (document.querySelector("dialog[open], .drawer.is-open, details.menu[open]")) return;
  if (chat.sources.close()) return;
  if (chat.composer.edits) chat.composer.edit("", "");
  else chat.composer.stop();
}

/** Keys that press what the page offers anyway: the last one of its kind. */
const PRESSED = {
  n: ".conversations-new",
  e: "[data-edit]:not([hidden])",
  c: "[data-answer] [aria-label='Copy the answer']",
  r: "[data-answer] [aria-label='Answer again']",
};

export function bindKeys(chat) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape") return escape(chat);
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        return chat.conversations.focusSearch();
      }
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "/") {
        event.preventDefault();
        chat.composer.focus();
      } else if (event.key === "?") {
        document.getElementById("help").showModal();
      } else if (PRESSED[event.key] && !document.querySelector("dialog[open]")) {
        event.preventDefault(); // the key itself must not be typed where the focus goes
        [...document.querySelectorAll(PRESSED[event.key])].at(-1)?.click();
      }
    },
    true,
  );
}
