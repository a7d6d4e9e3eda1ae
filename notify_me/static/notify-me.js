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
const ANSWER = 5000; // ms that Klaviyo has to answer
const RUN = 8000; // ms for all calls of a sign-up: the server takes over the rest
const FRESH = 30000; // ms for which a warmed form may still be shown

/** @typedef {{ url: string, headers: Record<string, string>, body: object, after_any: boolean }} Call */
/** @typedef {{ status: number, body: unknown } | null} Answer */
/** @typedef {{ state: string, html: string, calls?: Call[], sign_up?: string }} Reply */

/** Whether Klaviyo has it; a 409 on back in stock is a repeat.
 * @param {Answer} answer @param {Call} call */
const taken = (answer, call) => answer?.status === 202 || (answer?.status === 409 && !call.after_any);

/** One call to Klaviyo, tried again once where it was throttled or failed.
 * @param {Call} call @param {AbortSignal} patience @returns {Promise<Answer>} */
async function ask({ url, headers, body }, patience) {
  /** @type {Answer} */
  let answer = null;
  for (let tries = 2; tries && !patience.aborted && (!answer || answer.status >= 429); tries--) {
    const signal = AbortSignal.any([patience, AbortSignal.timeout(ANSWER)]);
    answer = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      credentials: "omit",
      keepalive: true,
      signal,
    }).then(
      async (reply) => ({
        status: reply.status,
        body: reply.status === 202 ? null : await reply.json().catch(() => null),
      }),
      () => null,
    );
    if (signal.aborted) break;
  }
  return answer;
}

export class NotifyMe extends HTMLElement {
  /** @type {{ href: string, at: number, html: Promise<string | undefined> } | undefined} */
  #warmed;
  #sending = false;
  #shown = "";
  /** @type {AbortController | undefined} */
  #listeners;

  /**
   * Open the form for a variant, from a script of the shop's.
   * @param {string} variantId its composite ID
   * @returns {Promise<void>} settled once the dialog is open
   */
  static open(variantId) {
    const id = encodeURIComponent(variantId);
    let element = document.querySelector(`notify-me:has(> a:is([href$="/${id}"], [href*="/${id}?lang="]))`);
    if (!element) {
      element = document.createElement("notify-me");
      element.innerHTML = "<a hidden></a>";
      /** @type {HTMLAnchorElement} */ (element.firstChild).href = new URL(
        `../${id}?lang=${document.documentElement.lang}`,
        import.meta.url,
      ).href;
      document.body.append(element);
    }
    return /** @type {NotifyMe} */ (element).open();
  }

  connectedCallback() {
    const place = document.getElementById(this.dataset.anchor ?? "");
    if (place) {
      // once only, or it would fight with a script of the shop's; the move comes back here
      delete this.dataset.anchor;
      if (!place.contains(this)) return place.append(this);
    }
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

  get #href() {
    return /** @type {HTMLAnchorElement} */ (this.querySelector(":scope > a")).href;
  }

  /** Fetch the form before it is asked for. */
  #warm() {
    const href = this.#href;
    if (this.#warmed?.href === href && Date.now() - this.#warmed.at < FRESH) return this.#warmed.html;
    const html = fetch(href, { headers: HEADERS, signal: AbortSignal.timeout(PATIENCE) })
      .then((reply) => (reply.ok ? reply.text() : undefined))
      .catch(() => undefined);
    this.#warmed = { href, at: Date.now(), html };
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
    // a picker of the shop's may have pointed the link at another variant meanwhile
    if (dialog && this.#shown !== this.#href) dialog.remove();
    else if (dialog?.open) return;
    if (!dialog?.isConnected) {
      const html = await this.#warm();
      // another press may have been quicker
      dialog = this.querySelector("dialog");
      if (dialog?.open) return;
      if (!html) return location.assign(this.#href);
      if (!dialog) {
        this.#shown = this.#href;
        this.#warmed = undefined;
        this.insertAdjacentHTML("beforeend", html);
        dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
        // one that has nothing left to send is not shown again: the next press starts anew
        const shown = dialog;
        shown.addEventListener("close", () => shown.querySelector("form[method=post]") || shown.remove());
      }
    }
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
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form, event.submitter)));
    /** @type {Reply | undefined} */
    let reply;
    try {
      reply = await this.#post(form.action, body);
      if (reply.state === "send") reply = await this.#send(form.action, body, reply);
    } catch {
      reply = undefined;
    }
    this.#sending = false;
    form.ariaBusy = null;
    if (reply?.html) this.#show(reply);
    else this.#offline();
  }

  /** @param {string} action @param {URLSearchParams} body @returns {Promise<Reply>} */
  async #post(action, body) {
    const signal = AbortSignal.timeout(PATIENCE);
    return (await fetch(action, { method: "POST", headers: HEADERS, body, signal, keepalive: true })).json();
  }

  /**
   * Make the calls that the server prepared, then report how they went by the same form.
   * @param {string} action @param {URLSearchParams} body @param {Reply} reply
   * @returns {Promise<Reply>}
   */
  async #send(action, body, { calls = [], html, sign_up = "" }) {
    /** @type {Answer[]} */
    const answers = [];
    let any = false;
    let all = true;
    const patience = AbortSignal.timeout(RUN);
    for (const call of calls) {
      const answer = call.after_any && !any ? null : await ask(call, patience);
      answers.push(answer);
      if (taken(answer, call)) any = true;
      else all = false;
    }
    body.set("sign_up", sign_up);
    body.set("answers", JSON.stringify(answers));
    const report = this.#post(action, body);
    if (!all) return report;
    report.catch(() => {}); // Klaviyo has it: the report is for the shop's log alone
    return { state: "done", html };
  }

  /** @param {{ state: string, html: string }} reply the state to show */
  #show({ state, html }) {
    const view = /** @type {HTMLElement} */ (this.querySelector(".notify-me__view"));
    // a fragment's title is an h2: on the form's own page it heads the page
    view.innerHTML = view.querySelector("h1") ? html.replace(/(<\/?)h2/g, "$1h1") : html;
    /** @type {HTMLElement | null} */
    const title = view.querySelector(".notify-me__title");
    if (title) this.querySelector("dialog")?.setAttribute("aria-labelledby", title.id);
    /** @type {HTMLElement | null} */ (view.querySelector("[aria-invalid]") ?? title)?.focus();
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

Object.assign(window, { NotifyMe });
if (!customElements.get("notify-me")) customElements.define("notify-me", NotifyMe);
