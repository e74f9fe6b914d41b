// The one websocket of the page: connects, notices loss, comes back with growing pauses.
// Knows no message type; what must be said again after a reconnect is the listeners' affair.

const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 8000;
// The server's own "no" (not signed in, not understood): trying again would not help.
const REFUSALS = new Set([4400, 4401]);

export class Socket extends EventTarget {
  #url;
  #socket = null;
  #pause = FIRST_PAUSE;
  #timer = 0;

  constructor(path) {
    super();
    this.#url = new URL(path, location.href);
    this.#url.protocol = this.#url.protocol === "https:" ? "wss:" : "ws:";
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => this.#retryNow());
    // A page that comes back from the browser's cache has lost its socket without an event.
    addEventListener("pageshow", (event) => event.persisted && this.#retryNow());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#pause = FIRST_PAUSE;
      this.dispatchEvent(new Event("open"));
    });
    socket.addEventListener("message", (event) => this.#hear(event.data));
    socket.addEventListener("close", (event) => this.#lost(socket, event));
  }

  /** Sends when connected; returns whether it was sent. */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Gives up for good. */
  refuse(code) {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    this.dispatchEvent(new CustomEvent("refused", { detail: code }));
  }

  #hear(data) {
    this.dispatchEvent(new CustomEvent("message", { detail: JSON.parse(data) }));
  }

  #lost(socket, event) {
    if (socket !== this.#socket) return;
    if (REFUSALS.has(event.code)) return this.refuse(event.code);
    // The random part keeps a thousand pages from coming back in the same moment.
    this.#timer = setTimeout(() => this.connect(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.dispatchEvent(new Event("lost"));
  }

  #retryNow() {
    if (document.hidden || !this.#socket || this.#socket.readyState !== WebSocket.CLOSED) return;
    this.#pause = FIRST_PAUSE;
    this.connect();
  }
}
