// Says on the page when the socket is down for longer than a blink, and why it stays down.

const OFFLINE_AFTER = 1200;
const SIGNED_OUT = 4401;

export class Line {
  #notice;
  #home;
  #socket;
  #timer = null;

  constructor(root, socket) {
    this.#notice = root.querySelector("[data-offline]");
    this.#home = root.dataset.home;
    this.#socket = socket;
    socket.addEventListener("open", () => this.#up());
    socket.addEventListener("lost", () => {
      this.#timer ??= setTimeout(() => this.#down(), OFFLINE_AFTER);
    });
    socket.addEventListener("refused", (event) => this.#shutOut(event.detail));
  }

  #up() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#say("");
  }

  async #down() {
    this.#say("The connection is lost. Trying again; nothing you sent gets lost.");
    // A refused handshake looks like a lost line; only a page tells that nobody is signed in.
    const options = { method: "HEAD", redirect: "manual" };
    const page = await fetch(this.#home, options).catch(() => null);
    if (page?.type === "opaqueredirect" || page?.status === 403) this.#socket.refuse(SIGNED_OUT);
    this.#timer = null;
  }

  #shutOut(code) {
    clearTimeout(this.#timer);
    this.#say(
      code === SIGNED_OUT
        ? "You are signed out. Reload the page and sign in to go on; your draft is kept."
        : "This page and the server don't understand each other. Reload the page.",
    );
  }

  #say(words) {
    this.#notice.textContent = words;
    this.#notice.hidden = !words;
  }
}
