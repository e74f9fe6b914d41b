// What every page can do: menus, drawers, dialogs, confirmation, copying, drop zones.
// Works by data-* hooks on server-rendered HTML; knows nothing of what the pages are about.
import { announce } from "./announce.js";
import { initConfirm } from "./confirm.js";
import { initDropzones } from "./dropzone.js";
import { initTimes } from "./times.js";

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}

export function openDrawer(id, open) {
  const drawer = document.getElementById(id);
  if (!drawer) return;
  drawer.classList.toggle("is-open", open);
  document.querySelector(".drawer-shade")?.remove();
  for (const button of document.querySelectorAll(`[data-drawer-open="${CSS.escape(id)}"]`)) {
    button.setAttribute("aria-expanded", String(open));
  }
  if (!open) return;
  const shade = document.createElement("div");
  shade.className = "drawer-shade";
  shade.addEventListener("click", () => openDrawer(id, false));
  drawer.after(shade);
  drawer.querySelector("a, button, input")?.focus();
}

async function copy(button) {
  const source = button.dataset.copy || document.querySelector(button.dataset.copyFrom)?.innerText;
  try {
    await navigator.clipboard.writeText(source ?? button.innerText);
    announce("Copied");
    button.classList.add("is-copied");
    setTimeout(() => button.classList.remove("is-copied"), 1500);
  } catch {
    announce("Copying is not allowed here. Select the text and copy it by hand.");
  }
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  closeMenus(target?.closest("details.menu"));
  const opener = target?.closest("[data-dialog-open]");
  if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal();
  target?.closest("[data-dialog-close]")?.closest("dialog")?.close();
  const drawer = target?.closest("[data-drawer-open]");
  if (drawer) openDrawer(drawer.dataset.drawerOpen, true);
  const copier = target?.closest("[data-copy], [data-copy-from]");
  if (copier) copy(copier);
});

document.addEventListener("change", (event) => {
  const all = event.target.closest?.("[data-select-all]");
  if (!all) return;
  for (const box of all.closest("form, table").querySelectorAll("tbody input[type=checkbox]")) {
    box.checked = all.checked;
  }
});

// A field that the browser refuses can't be shown inside a closed fold: the form would just stand still.
document.addEventListener(
  "invalid",
  (event) => {
    const fold = event.target.closest("details:not([open])");
    if (fold) fold.open = true;
  },
  true,
);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeMenus(null);
  const drawer = document.querySelector(".drawer.is-open");
  if (drawer) openDrawer(drawer.id, false);
});

initConfirm();
initDropzones();
initTimes();
