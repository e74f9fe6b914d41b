// Keeps the thread at the branch that the server shows: after an act here, and after one elsewhere.
// Knows nothing of answers; who shows them is told with `merged`.

const PAUSE = 150;

export class Branches extends EventTarget {
  #root;
  #thread;
  #timer = 0;

  constructor(root, thread) {
    super();
    this.#root = root;
    this.#thread = thread;
    root.addEventListener("submit", (event) => this.#submitted(event));
  }

  /** Something changed, here or in another tab: asks for the thread once the changes pause. */
  refresh() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(this.#url("thread/")), PAUSE);
  }

  #url(path) {
    return `${this.#root.dataset.home}${this.#root.dataset.conversation}/${path}`;
  }

  /** Again, Continue and the switches between versions change the branch in place. */
  #submitted(event) {
    const form = event.target.closest("form[data-step]");
    if (!form || event.defaultPrevented) return;
    event.preventDefault();
    const url = event.submitter?.getAttribute("formaction") || form.action;
    this.#fetch(url, { method: "POST", body: new FormData(form) });
  }

  async #fetch(url, options = {}) {
    const headers = { "HX-Request": "true" };
    const response = await fetch(url, { ...options, headers }).catch(() => null);
    if (response?.redirected) return location.assign(response.url);
    if (!response?.ok) return this.dispatchEvent(new CustomEvent("refused", { detail: response?.status }));
    this.#thread.merge(await response.text());
    this.dispatchEvent(new Event("merged"));
  }
}
