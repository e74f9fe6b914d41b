// The list of conversations: takes in a new one, marks the open one, is fetched anew after changes.

const PAUSE = 400;

export class Conversations {
  #root;
  #timer = 0;

  constructor(root) {
    this.#root = root;
  }

  get #list() {
    return this.#root.querySelector("[data-list]");
  }

  focusSearch() {
    const field = this.#root.querySelector("[data-find]");
    field.focus();
    field.select();
  }

  /** Something changed, here or in another tab; what a search found stays as it is. */
  refresh() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(), PAUSE);
  }

  async #fetch() {
    if (this.#root.querySelector("[data-find]").value.trim()) return;
    const url = new URL(this.#list.dataset.listUrl, location.href);
    const shown = new URLSearchParams(location.search);
    for (const name of ["label", "archived"]) if (shown.get(name)) url.searchParams.set(name, shown.get(name));
    url.searchParams.set("open", this.#list.querySelector("[data-open]").value);
    const response = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!response?.ok || response.redirected) return;
    const template = document.createElement("template");
    template.innerHTML = await response.text();
    const fresh = template.content.querySelector("[data-list]");
    // Whoever is in the list with keyboard or pointer is not interrupted; the next change comes.
    if (!fresh || this.#list.contains(document.activeElement)) return;
    const top = this.#root.scrollTop;
    this.#list.replaceWith(fresh);
    window.htmx?.process(fresh);
    this.#root.scrollTop = top;
  }

  /** Puts a conversation on top of Today, if it isn't in the list already. */
  add(url, title, id) {
    this.#list.querySelector("[data-open]").value = id;
    const links = [...this.#list.querySelectorAll("[data-conversation-link]")];
    for (const link of links) link.removeAttribute("aria-current");
    let link = links.find((each) => each.getAttribute("href") === url);
    if (!link) {
      const template = this.#root.querySelector("[data-conversation-template]");
      const item = template.content.firstElementChild.cloneNode(true);
      link = item.querySelector("a");
      link.href = url;
      link.firstElementChild.textContent = title;
      this.#today()?.prepend(item);
    }
    link.setAttribute("aria-current", "page");
    this.#list.querySelector("[data-none]")?.remove();
  }

  #today() {
    const list = this.#list.querySelector('[data-day="Today"] ul');
    if (list) return list;
    const section = document.createElement("section");
    section.dataset.day = "Today";
    const heading = document.createElement("h2");
    heading.className = "rail-title";
    heading.textContent = "Today";
    const fresh = document.createElement("ul");
    fresh.className = "conversation-list";
    section.append(heading, fresh);
    const days = this.#list.querySelector("[data-conversations]");
    const pinned = days?.querySelector('[data-day="Pinned"]');
    if (pinned) pinned.after(section);
    else days?.prepend(section);
    return fresh;
  }
}
