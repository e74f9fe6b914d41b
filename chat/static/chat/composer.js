// Where a question is written: sends it once, keeps the draft, becomes Stop while an answer runs.
// What was sent but not yet acknowledged waits in an outbox that survives a reload; the server
// knows each question by the client's id, so sending it twice asks it once.

import { Limit } from "./limit.js";

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off: drafts last as long as the page
  }
}

function store(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // as above
  }
}

// crypto.randomUUID is missing where a page is served without https under a host name.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Outbox {
  #key;

  constructor(user) {
    this.#key = `outbox:${user}`;
  }

  all() {
    return JSON.parse(stored(this.#key) ?? "[]");
  }

  add(message) {
    store(this.#key, JSON.stringify([...this.all(), message]));
  }

  remove(clientId) {
    const rest = this.all().filter((message) => message.client_id !== clientId);
    store(this.#key, rest.length ? JSON.stringify(rest) : "");
  }
}

export class Composer extends EventTarget {
  #form;
  #field;
  #user;
  #conversation;
  #limit;

  constructor(form, { user, conversation }) {
    super();
    this.#form = form;
    this.#field = form.querySelector("[data-question-field]");
    this.#user = user;
    this.#conversation = conversation;
    this.#limit = new Limit(this.#field, form.querySelector("[data-question-left]"));
    form.querySelector("[data-editing-end]").addEventListener("click", () => this.edit("", ""));
    this.#field.value ||= stored(this.#draftKey) ?? this.#begun();
    this.#fit();
    this.#field.addEventListener("input", () => this.#edited());
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    form.addEventListener("submit", (event) => this.#submitted(event));
    form.querySelector("[data-stop]").addEventListener("click", (event) => {
      // Stop stands where Send was: the second half of a double click means nothing.
      if (event.detail < 2) this.stop();
    });
  }

  get #draftKey() {
    return `draft:${this.#user}:${this.#conversation || "new"}`;
  }

  get expert() {
    return this.#form.elements.expert?.value ?? "";
  }

  get isBusy() {
    return !this.#form.querySelector("[data-stop]").hidden;
  }

  set isBusy(busy) {
    const stop = this.#form.querySelector("[data-stop]");
    const send = this.#form.querySelector("[data-send]");
    const hadFocus = [stop, send].includes(document.activeElement);
    stop.hidden = !busy;
    send.hidden = busy;
    if (hadFocus) (busy ? stop : send).focus();
  }

  /** The conversation got its id: the draft and the plain form belong to it from now on. */
  moveTo(conversation) {
    store(this.#draftKey, "");
    this.#conversation = conversation;
    this.#form.elements.conversation.value = conversation;
    this.#edited();
  }

  /** The field says whom it asks. */
  address() {
    const chosen = this.#form.elements.expert?.selectedOptions?.[0];
    if (chosen) this.#field.placeholder = `Ask ${chosen.text.trim()}…`;
  }

  focus() {
    this.#field.focus();
  }

  /** A conversation that began with a file goes on with what was being written before it. */
  #begun() {
    const isNew = this.#conversation && !document.querySelector("[data-thread] .turn");
    const key = `draft:${this.#user}:new`;
    const begun = (isNew && document.querySelector(".attachments") && stored(key)) || "";
    if (begun) store(key, "");
    return begun;
  }

  get edits() {
    return this.#form.elements.edits.value;
  }

  /** An earlier question comes back into the field; what was being written waits for its turn. */
  edit(question, text) {
    this.#form.elements.edits.value = question;
    this.#form.querySelector("[data-editing]").hidden = !question;
    this.complain("");
    this.#field.value = question ? text : (stored(this.#draftKey) ?? "");
    this.#fit();
    this.focus();
  }

  /** Puts words into the field, unless something stands there already. */
  offer(text) {
    if (!this.#field.value.trim()) this.#field.value = text;
    this.#edited();
    this.focus();
  }

  complain(words) {
    const place = this.#form.querySelector("[data-composer-error]");
    place.textContent = words;
    place.hidden = !words;
  }

  ask(text) {
    const question = text.trim();
    if (!question || this.isBusy) return;
    const refusal = this.#limit.refusal(question);
    this.complain(refusal);
    if (refusal) return;
    const message = {
      type: "ask",
      client_id: newId(),
      conversation: this.#conversation || null,
      expert: this.expert,
      question,
    };
    if (this.edits) message.edits = this.edits;
    if (this.edits) this.edit("", "");
    else this.#field.value = "";
    this.#edited();
    this.dispatchEvent(new CustomEvent("ask", { detail: message }));
  }

  stop() {
    if (this.isBusy) this.dispatchEvent(new Event("stop"));
  }

  #submitted(event) {
    event.preventDefault();
    this.ask(this.#field.value);
  }

  #key(event) {
    // While an input method composes, Enter chooses a word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (this.isBusy) this.complain("An answer is still coming. Stop it first, or wait a moment.");
    else this.#form.requestSubmit(this.#form.querySelector("[data-send]"));
  }

  #edited() {
    if (!this.edits) store(this.#draftKey, this.#field.value);
    this.#fit();
  }

  #fit() {
    this.#limit.show(this.#field.value);
    if (CSS.supports("field-sizing", "content")) return;
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
