// @ts-check
/**
 * <notify-me>: opens the form behind its link in a dialog, and sends the form without leaving the
 * page. Wrapped around a form, it does the second alone. All words, rules and markup are the
 * server's: this moves HTML.
 *
 * Events, all bubbling: notify-me:open, notify-me:submit (cancelable, before a form is sent),
 * notify-me:done, notify-me:error.
 */

const HEADERS = { "X-Notify-Me": "1" };
const PATIENCE = 15000; // ms until a silent server counts as no connection
const FRESH = 30000; // ms for which a warmed form may still be shown

export class NotifyMe extends HTMLElement {
  /** @type {{ at: number, html: Promise<string | undefined> } | undefined} */
  #warmed;
  #sending = false;
  /** @type {AbortController | undefined} */
  #listeners;

  connectedCallback() {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    for (const type of ["pointerover", "focusin", "touchstart"])
      this.addEventListener(type, (event) => this.#link(event) && this.#warm(), { signal, passive: true });
    this.addEventListener("click", (event) => this.#click(event), { signal });
    this.addEventListener("submit", (event) => this.#submit(event), { signal });
  }

  disconnectedCallback() {
    this.#listeners?.abort();
  }

  /** @param {Event} event @returns {HTMLAnchorElement | null} the link to the form, if it was hit */
  #link(event) {
    const link = /** @type {Element} */ (event.target).closest("a");
    return link?.parentElement === this ? link : null;
  }

  /** Fetch the form before it is asked for. */
  #warm() {
    if (this.#warmed && Date.now() - this.#warmed.at < FRESH) return this.#warmed.html;
    const { href } = /** @type {HTMLAnchorElement} */ (this.querySelector(":scope > a"));
    const html = fetch(href, { headers: HEADERS, signal: AbortSignal.timeout(PATIENCE) })
      .then((reply) => (reply.ok ? reply.text() : undefined))
      .catch(() => undefined);
    this.#warmed = { at: Date.now(), html };
    return html;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const plain = !(event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!plain || event.defaultPrevented || !this.#link(event)) return;
    event.preventDefault();
    this.open();
  }

  /** Show the form in its dialog; follows the link where that can't be had. */
  async open() {
    let dialog = this.querySelector("dialog");
    if (!dialog) {
      const html = await this.#warm();
      this.#warmed = undefined;
      if (html) this.insertAdjacentHTML("beforeend", html);
      dialog = this.querySelector("dialog");
      if (!dialog) return location.assign(/** @type {HTMLAnchorElement} */ (this.querySelector("a")).href);
    }
    if (dialog.open) return;
    dialog.showModal();
    this.#tell("open");
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.method !== "post") return;
    event.preventDefault();
    if (this.#sending || !this.#tell("submit", undefined, true)) return;
    this.#sending = true;
    form.ariaBusy = "true";
    try {
      const reply = await fetch(form.action, {
        method: "POST",
        headers: HEADERS,
        body: new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter))),
        signal: AbortSignal.timeout(PATIENCE),
      });
      this.#show(await reply.json());
    } catch {
      this.#offline();
    } finally {
      this.#sending = false;
      form.ariaBusy = null;
    }
  }

  /** @param {{ state: string, html: string }} reply */
  #show({ state, html }) {
    const view = /** @type {HTMLElement} */ (this.querySelector(".notify-me__view"));
    view.innerHTML = html;
    const title = /** @type {HTMLElement} */ (view.querySelector(".notify-me__title"));
    const dialog = this.querySelector("dialog");
    dialog?.setAttribute("aria-labelledby", title.id);
    /** @type {HTMLElement} */ (view.querySelector("[aria-invalid]") ?? title).focus();
    // a finished dialog is not shown again: the next press starts anew
    if (dialog && !view.querySelector("form")) dialog.addEventListener("close", () => dialog.remove(), { once: true });
    this.#tell(state === "done" ? "done" : "error", { state });
  }

  #offline() {
    const words = this.querySelector("template")?.content.textContent ?? "";
    const alert = /** @type {HTMLElement} */ (this.querySelector(".notify-me__alert"));
    alert.hidden = false;
    alert.textContent = words;
    this.#tell("error", { state: "offline" });
  }

  /** @param {string} name @param {unknown} [detail] @param {boolean} [cancelable] */
  #tell(name, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(`notify-me:${name}`, { bubbles: true, cancelable, detail }));
  }
}

if (!customElements.get("notify-me")) customElements.define("notify-me", NotifyMe);
