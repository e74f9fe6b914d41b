// The panel of sources: shows the passages of one answer, lights up what belongs together, and
// opens a passage in its document. Knows nothing of sockets or streams.

const LIT = "is-lit";

export class Sources {
  #panel;
  #list;
  #answer = null;
  #opener = null;

  constructor(panel) {
    this.#panel = panel;
    this.#list = panel.querySelector("[data-sources-list]");
    panel.addEventListener("click", (event) => this.#clicked(event));
    panel.addEventListener("keydown", (event) => this.#walked(event));
    panel.querySelector("[data-sources-close]").addEventListener("click", () => this.close());
    for (const name of ["mouseover", "focusin"]) {
      document.addEventListener(name, (event) => this.#pointed(event.target));
    }
  }

  /** Shows the sources of an answer in the panel. */
  show(answer) {
    this.#answer = answer;
    const list = answer?.querySelector("[data-passages] [data-source-list]");
    const shown = list?.children.length ?? 0;
    const used = list?.querySelectorAll(":scope > li:not(.source-spare)").length ?? 0;
    this.#list.replaceChildren(...(shown ? [list.cloneNode(true)] : []));
    this.#panel.querySelector("[data-sources-count]").textContent = used || "";
    this.#panel.querySelector("[data-sources-none]").hidden = shown > 0;
    this.#panel.scrollTop = 0;
  }

  get answer() {
    return this.#answer;
  }

  /** Narrow screens: brings the sheet up. Wide ones have the panel in view anyway. */
  open(answer, opener) {
    if (answer !== this.#answer) this.show(answer);
    this.#opener = opener ?? null;
    this.#panel.classList.add("is-open");
  }

  close() {
    if (!this.#panel.classList.contains("is-open")) return false;
    this.#panel.classList.remove("is-open");
    const wasSheet = getComputedStyle(this.#panel).position === "fixed";
    if (wasSheet) this.#opener?.focus();
    return wasSheet;
  }

  /** Opens the passage with this marker inside its document. */
  async openPassage(answer, marker, opener) {
    this.open(answer, opener);
    const item = this.#item(marker);
    if (!item) return;
    for (const other of this.#list.querySelectorAll(".is-open")) {
      if (other !== item) this.#fold(other);
    }
    item.classList.add("is-open");
    item.querySelector("[data-source]").setAttribute("aria-expanded", "true");
    await this.#load(item);
    item.scrollIntoView({ block: "nearest" });
  }

  #item(marker) {
    return this.#list.querySelector(`[data-marker="${CSS.escape(marker)}"]`);
  }

  #fold(item) {
    item.classList.remove("is-open");
    item.querySelector("[data-detail]").hidden = true;
    item.querySelector("[data-source]").setAttribute("aria-expanded", "false");
  }

  async #load(item) {
    const detail = item.querySelector("[data-detail]");
    detail.hidden = false;
    if (detail.dataset.loaded) return;
    const skeleton = document.createElement("span");
    skeleton.className = "skeleton skeleton-block";
    detail.replaceChildren(skeleton);
    detail.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(item.querySelector("[data-source]").href, {
        headers: { "HX-Request": "true" },
      });
      if (!response.ok || response.redirected) throw new Error(String(response.status));
      const template = document.createElement("template");
      template.innerHTML = await response.text();
      detail.replaceChildren(template.content);
      detail.dataset.loaded = "yes";
    } catch {
      detail.textContent = "This passage can't be opened just now. Choose it again to retry.";
    }
    detail.removeAttribute("aria-busy");
  }

  #clicked(event) {
    const link = event.target.closest("[data-source]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const item = link.closest("[data-marker]");
    if (item.classList.contains("is-open")) this.#fold(item);
    else this.openPassage(this.#answer, item.dataset.marker, this.#opener);
  }

  #walked(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const links = [...this.#list.querySelectorAll("[data-source]")];
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    links[Math.min(Math.max(at + step, 0), links.length - 1)].focus();
  }

  /** Lights up sentence, chip and source together, whichever of them is pointed at. */
  #pointed(target) {
    const part = target.closest?.(".sentence, .cite, [data-source-list] [data-marker]");
    const inPanel = part && this.#panel.contains(part);
    const answer = inPanel ? this.#answer : part?.closest("[data-answer]");
    const markers = (part?.dataset.markers ?? part?.dataset.marker ?? "").split(" ").filter(Boolean);
    for (const lit of document.querySelectorAll(`.${LIT}`)) lit.classList.remove(LIT);
    if (!answer || !markers.length) return;
    const sentences = [...answer.querySelectorAll("[data-body] .sentence")].filter((sentence) =>
      (sentence.dataset.markers ?? "").split(" ").some((marker) => markers.includes(marker)),
    );
    if (part.classList.contains("sentence")) part.classList.add(LIT);
    else this.#sentencesOf(part, sentences).forEach((sentence) => sentence.classList.add(LIT));
    for (const marker of markers) {
      const same = `[data-marker="${CSS.escape(marker)}"]`;
      for (const chip of answer.querySelectorAll(`[data-body] ${same}`)) chip.classList.add(LIT);
      if (answer === this.#answer) this.#item(marker)?.classList.add(LIT);
    }
  }

  /** A chip lights up the sentence it stands behind; a source lights up all that rest on it. */
  #sentencesOf(part, sentences) {
    if (!part.classList.contains("cite")) return sentences;
    const before = sentences.filter(
      (each) => each.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
    return before.slice(-1);
  }
}
