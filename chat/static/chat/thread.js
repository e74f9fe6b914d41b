// The column of questions and answers: adds turns, follows an answer without pushing its start away.

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
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && this.#list.contains(target)) target.scrollIntoView();
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

  /** An edited question takes the place of the earlier one and of all that followed it. */
  cutFrom(question) {
    const turns = [...this.#list.children];
    const at = turns.findIndex((turn) => turn.dataset.question === question);
    if (at >= 0) for (const turn of turns.slice(at)) turn.remove();
  }

  /**
   * Takes over the branch that the server shows. Answers that stand here stay as they are, in the
   * middle of a stream or with an open fold; questions without an answer's id wait at the end.
   */
  merge(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const known = new Map(
      this.answers().map((answer) => [answer.dataset.answer, answer.closest(".turn")]),
    );
    const turns = [...template.content.querySelectorAll(".turn")].map((fresh) => {
      const old = known.get(fresh.querySelector("[data-answer]").dataset.answer);
      return old ? this.#renewed(old, fresh) : fresh;
    });
    for (const turn of [...this.#list.children]) {
      const waits = turn.querySelector('[data-answer=""]');
      const there = turns.find((each) => each.dataset.client === turn.dataset.client);
      if (waits?.dataset.stopWanted && there) {
        there.querySelector("[data-answer]").dataset.stopWanted = "yes";
      }
      if (waits && !there) turns.push(turn);
      else if (!turns.includes(turn)) turn.remove();
    }
    turns.forEach((turn, at) => {
      const here = this.#list.children[at];
      if (here !== turn) this.#list.insertBefore(turn, here ?? null);
    });
    document.querySelector("[data-welcome]").hidden = turns.length > 0;
  }

  #renewed(old, fresh) {
    old.dataset.question = fresh.dataset.question;
    for (const part of ["[data-question-head]", ".answer-actions > [data-switch]"]) {
      const [here, there] = [old.querySelector(part), fresh.querySelector(part)];
      if (here && there) here.replaceWith(there);
      else if (there) old.querySelector(".answer-actions [data-again-place]")?.before(there);
      else here?.remove();
    }
    return old;
  }

  remove(clientId) {
    this.turn(clientId)?.remove();
    const isEmpty = !this.#list.children.length;
    document.querySelector("[data-welcome]").hidden = !isEmpty;
  }

  /**
   * Called when an answer has grown. The page follows until the question stands at the top, so
   * that what is being read stays where it is; who went further down is kept at the end.
   */
  grown() {
    if (this.#follows) {
      const top = this.#topOfLastTurn();
      const isPast = this.#root.scrollTop > top + 1;
      this.#root.scrollTop = isPast ? this.#root.scrollHeight : Math.min(top, this.#end());
    }
    this.#latest.hidden = this.#end() - this.#root.scrollTop < NEAR;
  }

  #end() {
    return this.#root.scrollHeight - this.#root.clientHeight;
  }

  #topOfLastTurn() {
    const { top } = this.#list.lastElementChild.getBoundingClientRect();
    return top - this.#root.getBoundingClientRect().top + this.#root.scrollTop;
  }

  toEnd() {
    this.#root.scrollTop = this.#root.scrollHeight;
    this.#follows = true;
    this.#latest.hidden = true;
  }

  #scrolled() {
    this.#follows = this.#end() - this.#root.scrollTop < NEAR;
    if (this.#follows) this.#latest.hidden = true;
  }
}
