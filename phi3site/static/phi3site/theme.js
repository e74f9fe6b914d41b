// Sets the theme before the first paint; a classic script, because a module would run too late.
// Knows no page: it reads one key of localStorage and writes two things on <html>.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function remembered() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off: follow the system
    }
  }

  function apply() {
    root.dataset.theme = remembered() ?? (system.matches ? "dark" : "light");
  }

  root.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-theme-toggle]")) return;
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", next);
    } catch {
      // the choice holds for this page only
    }
    root.dataset.theme = next;
  });
})();
