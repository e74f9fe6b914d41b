// The list of conversations: filters by title, takes in a new one, marks the open one.

export class Conversations {
  #root;

  constructor(root) {
    this.#root = root;
    root.querySelector("[data-filter]").addEventListener("input", (event) => this.#filter(event.target.value));
  }

  focusSearch() {
    this.#root.querySelector("[data-filter]").focus();
  }

  /** Puts a conversation on top of Today, if it isn't in the list already. */
  add(url, title) {
    const links = [...this.#root.querySelectorAll("[data-conversation-link]")];
    for (const link of links) link.removeAttribute("aria-current");
    let link = links.find((each) => each.getAttribute("href") === url);
    if (!link) {
      const template = this.#root.querySelector("[data-conversation-template]");
      const item = template.content.firstElementChild.cloneNode(true);
      link = item.querySelector("a");
      link.href = url;
      link.firstElementChild.textContent = title;
      this.#today().prepend(item);
    }
    link.setAttribute("aria-current", "page");
    this.#root.querySelector("[data-filter-none]").hidden = true;
  }

  #today() {
    const list = this.#root.querySelector('[data-day="Today"] ul');
    if (list) return list;
    const section = document.createElement("section");
    section.dataset.day = "Today";
    const heading = document.createElement("h2");
    heading.className = "rail-title";
    heading.textContent = "Today";
    const fresh = document.createElement("ul");
    fresh.className = "conversation-list";
    section.append(heading, fresh);
    this.#root.querySelector("[data-conversations]").prepend(section);
    return fresh;
  }

  #filter(words) {
    const wanted = words.trim().toLowerCase();
    let shown = 0;
    for (const link of this.#root.querySelectorAll("[data-conversations] [data-conversation-link]")) {
      const fits = link.textContent.toLowerCase().includes(wanted);
      link.closest("li").hidden = !fits;
      shown += fits;
    }
    for (const day of this.#root.querySelectorAll("[data-day]")) {
      day.hidden = !day.querySelector("li:not([hidden])");
    }
    this.#root.querySelector("[data-filter-none]").hidden = shown > 0;
  }
}
