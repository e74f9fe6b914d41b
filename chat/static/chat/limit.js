// How long a question may be: counts down near the limit, and says by how much to shorten. The field
// takes any length, so that nothing that was pasted is lost.

const NEAR = 500;
const figures = new Intl.NumberFormat("en");

// The server counts characters, a string of the browser's counts halves of some.
const lengthOf = (text) => [...text.trim()].length;

const characters = (count) => `${figures.format(count)} character${count === 1 ? "" : "s"}`;

export class Limit {
  #most;
  #place;

  constructor(field, place) {
    this.#most = Number(field.dataset.limit);
    this.#place = place;
  }

  show(text) {
    const left = this.#most - lengthOf(text);
    this.#place.hidden = left > Math.min(NEAR, this.#most / 4);
    this.#place.classList.toggle("is-over", left < 0);
    this.#place.textContent = left < 0 ? `${characters(-left)} too many` : `${characters(left)} left`;
  }

  /** Why the text can't be sent; empty when it can. */
  refusal(text) {
    const over = lengthOf(text) - this.#most;
    if (over <= 0) return "";
    const most = characters(this.#most);
    return `A question may have ${most}. Shorten yours by ${figures.format(over)}; it is kept here.`;
  }
}
