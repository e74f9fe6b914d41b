// One answer on the page: turns the events of its stream into what the reader sees.
// Text of the model goes in as text; the only HTML is what the server rendered and cleaned.

const START = "0";

/** Compares two stream ids ("milliseconds-sequence"); "0" is before everything. */
export function isAfter(id, last) {
  const [ms, sequence = 0] = String(id).split("-").map(Number);
  const [lastMs, lastSequence = 0] = String(last).split("-").map(Number);
  return ms > lastMs || (ms === lastMs && sequence > lastSequence);
}

function fromServer(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const form of template.content.querySelectorAll("form[method=post]")) withToken(form);
  return template.content;
}

/** HTML that came over the socket was rendered without a request, so its forms lack the token. */
function withToken(form) {
  form.querySelector("[name=csrfmiddlewaretoken]")?.remove();
  const token = document.querySelector("[data-composer] [name=csrfmiddlewaretoken]");
  if (token) form.prepend(token.cloneNode());
}

/** Each block of code gets a button of its own that copies it. */
export function offerCode(root) {
  for (const block of root.querySelectorAll("pre")) {
    if (block.querySelector("[data-copy]")) continue;
    const template = document.querySelector("[data-code-template]");
    const button = template.content.firstElementChild.cloneNode(true);
    button.dataset.copy = block.textContent.replace(/\n$/, "");
    block.append(button);
  }
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

export class AnswerView extends EventTarget {
  /** @param {HTMLElement} element an element with data-answer */
  constructor(element) {
    super();
    this.element = element;
    this.last = element.dataset.last ?? START;
    offerCode(this.#body);
  }

  get id() {
    return this.element.dataset.answer;
  }

  get isRunning() {
    return ["queued", "running"].includes(this.element.dataset.status);
  }

  #part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  /** Applies one event; an event that came before is known by its id and passed over. */
  apply(event) {
    if (event.type === "snapshot") return this.#replace(event);
    if (event.id) {
      if (!isAfter(event.id, this.last)) return;
      // What stood here before the first event came from the row: the stream tells it all again.
      if (this.last === START) this.#clear();
      this.last = event.id;
    }
    const act = this.#acts[event.type];
    if (act) act(event);
  }

  #acts = {
    queued: ({ position }) =>
      this.#say(position > 0 ? `Waiting, ${plural(position, "question")} before yours` : "Waiting for the model"),
    searching: () => this.#run("Searching the documents"),
    passages: ({ count, html, key = "" }) => {
      this.#run(count ? `${plural(count, "passage")} found, reading` : "No passage found");
      this.#part("passages").replaceChildren(fromServer(html));
      this.#part("key")?.replaceChildren(fromServer(key));
      this.dispatchEvent(new Event("passages"));
    },
    text: ({ text }) => {
      this.#run("");
      this.#openBlock().append(text);
      this.dispatchEvent(new Event("grown"));
    },
    block: ({ html }) => {
      this.#run("");
      const block = fromServer(html);
      const words = block.textContent.trim();
      const open = this.#body.querySelector(":scope > .answer-open");
      if (open) open.replaceWith(block);
      else this.#body.append(block);
      offerCode(this.#body);
      this.dispatchEvent(new CustomEvent("block", { detail: words }));
    },
    restarted: () => {
      this.#clear();
      this.#run("The model was interrupted. Starting your answer again");
    },
    done: (event) => this.#replace(event),
    stopped: (event) => this.#replace(event),
    failed: (event) => this.#replace(event),
  };

  get #body() {
    return this.#part("body");
  }

  #openBlock() {
    let open = this.#body.querySelector(":scope > .answer-open");
    if (!open) {
      open = document.createElement("p");
      open.className = "answer-open";
      this.#body.append(open);
    }
    return open;
  }

  #run(words) {
    this.element.dataset.status = "running";
    this.#say(words);
  }

  #say(words) {
    const state = this.#part("state");
    if (!state) return;
    state.hidden = !words;
    const status = document.createElement("span");
    status.className = "status status-busy";
    status.textContent = words;
    state.replaceChildren(status);
  }

  #clear() {
    this.#body.replaceChildren();
    this.#part("key")?.replaceChildren();
    const passages = this.#part("passages");
    passages.replaceChildren();
    this.dispatchEvent(new Event("passages"));
  }

  async #replace(event) {
    // An answer that ended without a worker comes without its page: fetch that.
    const html = event.html || (await this.#fetched());
    const fresh = fromServer(html).querySelector("[data-answer]");
    if (!fresh) return;
    // A snapshot is of no place in the stream.
    if (event.id) this.last = event.id;
    this.element.replaceWith(fresh);
    this.element = fresh;
    offerCode(this.#body);
    window.htmx?.process(fresh);
    this.dispatchEvent(new CustomEvent("replaced", { detail: event.type }));
  }

  get #home() {
    return document.querySelector("[data-chat]").dataset.home;
  }

  async #fetched() {
    const response = await fetch(`${this.#home}answers/${this.id}/`, { headers: { "HX-Request": "true" } });
    return response.ok ? response.text() : "";
  }
}
