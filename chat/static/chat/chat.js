// The conversation of one page, told in order: connect, send what waits, resume what runs, ask, hear.
// Survives a reload, a lost connection and a restarted server, because every answer knows the last
// event it has seen and asks for exactly the rest.
import { AnswerView } from "./answer.js";
import { Branches } from "./branches.js";
import { Composer, Outbox } from "./composer.js";
import { Conversations } from "./conversations.js";
import { bindKeys } from "./keys.js";
import { Line } from "./line.js";
import { Socket } from "./socket.js";
import { Sources } from "./sources.js";
import { Thread } from "./thread.js";

const POLL_AFTER = 2000;
// Stands in the addresses of a page whose conversation has no id yet.
const NO_CONVERSATION = "00000000-0000-4000-8000-000000000000";

class Chat {
  constructor(root) {
    this.root = root;
    this.views = new Map();
    this.outbox = new Outbox(root.dataset.user);
    this.thread = new Thread(root);
    this.branches = new Branches(root, this.thread);
    this.sources = new Sources(root.querySelector("[data-sources]"));
    this.conversations = new Conversations(root.querySelector("#conversations"));
    this.composer = new Composer(root.querySelector("[data-composer]"), {
      user: root.dataset.user,
      conversation: root.dataset.conversation,
    });
    this.socket = new Socket(root.dataset.socket);
    this.line = new Line(root, this.socket);
  }

  start() {
    for (const element of this.thread.answers()) this.#adopt(element);
    this.#restore();
    this.#addressed(); // a browser may come back with another choice than the page was made with
    this.#showNewestSources();
    this.#listen();
    bindKeys(this);
    this.#settle();
    this.socket.connect();
  }

  #listen() {
    this.composer.addEventListener("ask", (event) => this.#ask(event.detail));
    this.composer.addEventListener("stop", () => this.#stop());
    this.root.addEventListener("click", (event) => this.#clicked(event));
    this.branches.addEventListener("merged", () => this.#merged());
    this.branches.addEventListener("refused", (event) =>
      this.composer.complain(
        event.detail === 404
          ? "This conversation was deleted. What you write here is kept; start a new chat to ask it."
          : "That did not reach the server. Try it again in a moment.",
      ),
    );
    // A file is sent as soon as it is chosen; what is being written waits as a draft.
    this.root.querySelector("[data-attach]").addEventListener("change", (event) => {
      if (event.target.files.length) event.target.form.requestSubmit();
    });
    // An export is a download: the page stays, and so would its menu.
    this.root.querySelector("[data-menu]").addEventListener("submit", (event) => {
      event.currentTarget.open = false;
    });
    document.querySelector("[data-toast-close]")?.addEventListener("click", (event) => {
      event.currentTarget.closest("[data-toast]").remove();
    });
    this.root.querySelector("[data-expert]")?.addEventListener("change", () => this.#addressed());
    this.socket.addEventListener("open", () => this.#connected());
    this.socket.addEventListener("message", (event) => this.#hear(event.detail));
  }

  // ------------------------------------------------------------------ connection

  #connected() {
    for (const message of this.outbox.all()) this.socket.send(message);
    for (const view of this.views.values()) if (view.isRunning) this.#resume(view);
  }

  #resume(view) {
    this.socket.send({ type: "resume", answer: view.id, last: view.last });
  }

  // ------------------------------------------------------------------ asking and stopping

  #ask(message) {
    this.outbox.add(message);
    if (message.edits) this.thread.cutFrom(message.edits);
    this.thread.add(message.client_id, message.question);
    this.socket.send(message);
    this.#settle();
  }

  /** Questions that were sent before a reload and never acknowledged stand on the page again. */
  #restore() {
    const here = this.root.dataset.conversation || null;
    for (const message of this.outbox.all()) {
      if (this.thread.turn(message.client_id)) this.outbox.remove(message.client_id);
      else if (message.conversation === here) {
        if (message.edits) this.thread.cutFrom(message.edits);
        this.thread.add(message.client_id, message.question);
      }
    }
  }

  #stop() {
    // A question that has no answer id yet is stopped as soon as it has one.
    for (const element of this.thread.answers()) {
      if (element.dataset.answer === "") element.dataset.stopWanted = "yes";
    }
    for (const view of this.views.values()) {
      if (view.isRunning) this.#stopAnswer(view.id);
    }
  }

  #stopAnswer(answer) {
    if (this.socket.send({ type: "stop", answer })) return;
    this.composer.complain("Not connected just now, so Stop was not heard. Try it again.");
  }

  #asked(message) {
    this.outbox.remove(message.client_id);
    const turn = this.thread.turn(message.client_id);
    if (!turn) return;
    if (!this.root.dataset.conversation) this.#enter(message.conversation, message.title);
    // One that began with a file gets its title with its first question.
    this.root.querySelector("[data-title]").textContent = message.title;
    const element = turn.querySelector("[data-answer]");
    turn.dataset.question = message.question;
    turn.querySelector("[data-edit]").hidden = false;
    if (element.dataset.answer) {
      if (element.dataset.stopWanted) this.#stopAnswer(message.answer);
      return;
    }
    element.dataset.answer = message.answer;
    element.id = `answer-${message.answer}`;
    this.#adopt(element);
    if (element.dataset.stopWanted) this.#stopAnswer(message.answer);
    this.sources.show(element);
    this.#settle();
  }

  /** The first question gave the conversation its id, title and address. */
  #enter(conversation, title) {
    this.root.dataset.conversation = conversation;
    const url = `${this.root.dataset.home}${conversation}/`;
    history.replaceState(null, "", url);
    document.title = document.title.replace(/^.*?( · [^·]*)$/, (_, site) => title + site);
    this.root.querySelector("[data-title]").textContent = title;
    this.conversations.add(url, title, conversation);
    this.#address(conversation);
    document.querySelector("[data-rename-form]").elements.title.value = title;
    this.composer.moveTo(conversation);
  }

  /** The menu and its dialogs were made before the conversation had an id. */
  #address(conversation) {
    this.root.querySelector("[data-menu]").hidden = false;
    this.root.querySelector("[data-attach-form]").action = `${this.root.dataset.home}${conversation}/attach/`;
    const parts = "[data-menu] form, [data-menu] a[href], form[data-conversation-form]";
    for (const part of document.querySelectorAll(parts)) {
      const name = part.localName === "form" ? "action" : "href";
      part.setAttribute(name, part.getAttribute(name).replace(NO_CONVERSATION, conversation));
    }
  }

  // ------------------------------------------------------------------ hearing

  #hear(message) {
    if (message.type === "asked") return this.#asked(message);
    if (message.type === "error") return this.#refused(message);
    if (message.type === "changed") return this.#changed(message.conversation);
    this.views.get(message.answer)?.apply(message);
  }

  #refused(message) {
    const sent = this.outbox.all().find((each) => each.client_id === message.client_id);
    this.composer.complain(message.message);
    if (!sent) return;
    this.outbox.remove(sent.client_id);
    this.thread.remove(sent.client_id);
    this.#settle();
    this.composer.offer(sent.question);
    if (sent.edits) this.branches.refresh();
  }

  /** In this tab or in another one of the same person. */
  #changed(conversation) {
    if (conversation === this.root.dataset.conversation) this.branches.refresh();
    this.conversations.refresh();
  }

  /** The thread shows another branch, or more of it: hears the answers that are new here. */
  #merged() {
    for (const [id, view] of this.views) if (!view.element.isConnected) this.views.delete(id);
    for (const element of this.thread.answers()) {
      const id = element.dataset.answer;
      if (!id || this.views.has(id)) continue;
      this.#adopt(element);
      if (this.views.get(id).isRunning) this.#resume(this.views.get(id));
    }
    if (!this.sources.answer?.isConnected) this.#showNewestSources();
    window.htmx?.process(this.root);
    this.thread.grown();
    this.#settle();
  }

  #adopt(element) {
    const view = new AnswerView(element);
    this.views.set(view.id, view);
    view.addEventListener("grown", () => this.thread.grown());
    view.addEventListener("block", (event) => {
      this.#speak(event.detail);
      this.thread.grown();
    });
    view.addEventListener("passages", () => this.#sourcesChanged(view));
    view.addEventListener("replaced", (event) => this.#replaced(view, event.detail));
  }

  #sourcesChanged(view) {
    if (view.element.isConnected && this.sources.answer === view.element) {
      this.sources.show(view.element);
    }
    this.thread.grown();
  }

  #replaced(view, how) {
    if (!this.sources.answer?.isConnected) this.sources.show(view.element);
    if (view.isRunning) {
      // A snapshot of an unfinished answer: its stream is gone, so its row is read again.
      setTimeout(() => this.#resume(view), POLL_AFTER);
    } else {
      this.composer.complain("");
      this.#speak({ done: "Answer finished.", stopped: "Stopped.", failed: "The answer failed." }[how] ?? "");
    }
    this.thread.grown();
    this.#settle();
  }

  /** Read out per finished block, never per token. */
  #speak(words) {
    if (!words) return;
    const line = document.createElement("p");
    line.textContent = words;
    const log = document.querySelector("[data-spoken]");
    log.append(line);
    while (log.children.length > 20) log.firstElementChild.remove();
  }

  /** Send or Stop, according to what is going on. */
  #settle() {
    const waits = this.thread.answers().some((each) => each.dataset.answer === "");
    this.composer.isBusy = waits || [...this.views.values()].some((view) => view.isRunning);
  }

  // ------------------------------------------------------------------ pointing

  #clicked(event) {
    const example = event.target.closest("[data-example]");
    const chip = event.target.closest(".cite");
    const button = event.target.closest("[data-show-sources]");
    const edit = event.target.closest("[data-edit]");
    const source = event.target.closest("[data-answer] [data-source]");
    if ((example || chip || source) && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
    if (example) {
      event.preventDefault();
      this.composer.ask(example.textContent);
    } else if (chip && chip.closest("[data-answer]")) {
      event.preventDefault();
      this.sources.openPassage(chip.closest("[data-answer]"), chip.dataset.marker, chip);
    } else if (source) {
      event.preventDefault();
      const { marker } = source.closest("[data-marker]").dataset;
      this.sources.openPassage(source.closest("[data-answer]"), marker, source);
    } else if (edit) {
      event.preventDefault();
      const turn = edit.closest("[data-question]");
      this.composer.edit(turn.dataset.question, turn.querySelector("[data-question-text]").innerText);
    } else if (button) {
      this.sources.open(button.closest("[data-answer]"), button);
    }
  }

  #showNewestSources() {
    const answers = this.thread.answers().reverse();
    const newest = answers.find((each) => each.querySelector("[data-source-list]")) ?? answers[0];
    this.sources.show(newest ?? null);
  }

  /** Another expert was chosen: its own examples, and its name where the question is written. */
  #addressed() {
    this.composer.address();
    for (const examples of this.root.querySelectorAll("[data-examples]")) {
      examples.hidden = examples.dataset.examples !== this.composer.expert;
    }
  }
}

new Chat(document.querySelector("[data-chat]")).start();
