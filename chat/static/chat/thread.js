// The column of questions and answers: adds turns, follows the end while the reader is there.

const NEAR = 96;

export class Thread {
  #root;
  #list;
  #latest;
  #follows = true;

  constructor(root) {
    this.#root = root.querySelector("[data-scroll]");
    this.#list = root.querySelector("[data-thread]");
    this.#latest = root.querySelector("[data-latest]");
    this.#root.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#latest.addEventListener("click", () => this.toEnd());
    this.toEnd();
  }

  /** The answers on the page, oldest first. */
  answers() {
    return [...this.#list.querySelectorAll("[data-answer]")];
  }

  turn(clientId) {
    return this.#list.querySelector(`[data-client="${CSS.escape(clientId)}"]`);
  }

  /** Draws a question at once, before the server has said anything. */
  add(clientId, text) {
    const template = document.querySelector("[data-turn-template]");
    const turn = template.content.firstElementChild.cloneNode(true);
    turn.dataset.client = clientId;
    turn.querySelector("[data-question-text]").textContent = text;
    this.#list.append(turn);
    document.querySelector("[data-welcome]").hidden = true;
    this.toEnd();
    return turn;
  }

  remove(clientId) {
    this.turn(clientId)?.remove();
    const isEmpty = !this.#list.children.length;
    document.querySelector("[data-welcome]").hidden = !isEmpty;
  }

  /** Called when an answer has grown: what is being read stays where it is. */
  grown() {
    if (this.#follows) this.toEnd();
    else this.#latest.hidden = false;
  }

  toEnd() {
    this.#root.scrollTop = this.#root.scrollHeight;
    this.#follows = true;
    this.#latest.hidden = true;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.#root;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#follows) this.#latest.hidden = true;
  }
}
