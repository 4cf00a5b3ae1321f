/* Four habits of the theme's search, changed before its script runs; where the theme has changed, nothing of this applies.
 *
 * 1. The index is fetched with the first sign that somebody wants to search, not with every page.
 * 2. Words are asked for as the index holds them. Its query language takes a run id, an environment and 2.5e-4 apart at
 *    the hyphen and finds everything that begins with the last piece; and it prefers rare beginnings to the whole word.
 * 3. A word that no result has is asked for again with a letter or two in another way: "brekout" finds Breakout.
 * 4. Its dialog is told to a screen reader by the name that its field has; the theme gives it none.
 */
(function () {
  "use strict";
  const SEARCH = "[data-md-component=search], [for=__search], #__search";
  const SIGNS = ["pointerover", "focusin", "change"]; // the keys / s f and a ?q= in the address put the focus there
  const INDEX = /\/search\/search_index\.json$/;
  const QUERY = 2, RESULT = 3; // types of messages: to the worker that asks, and of its answer

  function waitForIndex() {
    const requests = XMLHttpRequest.prototype, { open, send } = requests;
    const addresses = new WeakMap(), waiting = [];
    requests.open = function (method, url, ...rest) {
      addresses.set(this, String(url));
      return open.call(this, method, url, ...rest);
    };
    requests.send = function (...body) {
      if (INDEX.test(addresses.get(this))) waiting.push(() => send.apply(this, body));
      else send.apply(this, body);
    };
    const go = () => {
      for (const sign of SIGNS) removeEventListener(sign, seen);
      Object.assign(requests, { open, send });
      for (const request of waiting.splice(0)) request();
    };
    const seen = ({ target }) => { if (target instanceof Element && target.closest(SEARCH)) go(); };
    for (const sign of SIGNS) addEventListener(sign, seen);
    const look = () => { if (!document.querySelector(SEARCH)) go(); }; // no search that we know: wait for nothing
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", look);
    else look();
  }

  /* 2.5e-4 is 0.00025 in the index. */
  const decimal = (text) => Number(text).toFixed(12).replace(/\.?0+$/, "");

  /* Up to three letters may begin any run id, so they are a whole word; a number is first of all that very number. */
  function weigh(word) {
    if (/^[\da-f]{1,3}$/i.test(word)) return `${word}^1`;
    return /^\d+\.?\d*$/.test(word) ? `${word}^20 ${word}` : word;
  }

  /* A word of the query language: +word, -word, title:word, wor*, word~1, word^10. Else its marks are those of a text. */
  const ASKED = /^(?=[+-]|.*[:*~^])(?:[+-](?!\.?\d))?(?:(?:title|text|tags):)?[\p{L}\p{N}_*][^:~^\\]*(?:[~^]\d+)*$/u;

  /* Pieces of a word as the index has them. One or two letters before another piece are whole: n_envs is no November. */
  function weighPieces(text) {
    const pieces = text.replace(/(\w)[-_=](?=\w)/g, "$1 ").split(" ");
    return pieces.map((piece, place) => (
      place < pieces.length - 1 && /^[a-z]{1,2}$/i.test(piece) ? `${piece}^1` : weigh(piece)
    )).join(" ");
  }

  const BEGUN = /^run-([\da-f]{2,3})$/i; // of an id: the titles hold those, and hardly another word that begins so

  /* A word as the index has it. */
  function respell(word) {
    const begun = BEGUN.exec(word);
    if (begun) return `title:${begun[1]}*`;
    if (ASKED.test(word)) return word.replace(/^([+-]?)run-(?=.)/i, "$1"); // whoever uses it knows why
    return word
      .replace(/(^|[^\w.])(\d*\.?\d+e-(?:0?\d|1[0-2]))(?![\w.])/gi, (_, before, number) => before + decimal(number))
      .replace(/(^|=)\.(?=\d)/g, (_, before) => before + "0.")
      .replace(/^[+-]+|[:~^\\]+/g, " ")
      .trim().split(/\s+/)
      .map((piece) => weighPieces(piece.replace(/\brun-(?=\w)/gi, "")))
      .join(" ");
  }

  function respellQuery(query) {
    return /^\d{4}$/.test(query) ? query : query.replace(/[^\s"]+/g, respell); // four digits alone begin a run id
  }

  const SPELT = /^(?![\da-f]+$)\p{L}{4,}$/iu; // not what is short, a number or of an id: too much is close to that
  const LONG = 8; // letters from which on two may be wrong

  /* A question with the words that no result has in any spelling close to theirs; the same one where there are none. */
  function askNear(words, results) {
    const isMissing = (word) => {
      const has = results.map(({ terms }) => terms[word.toLowerCase()]); // of "the" and its like neither true nor false
      return SPELT.test(word) && !has.includes(true) && (has.includes(false) || !has.length);
    };
    return words.split(" ").map((word) => (isMissing(word) ? `${word}~${word.length < LONG ? 1 : 2}` : word)).join(" ");
  }

  function respellQueries() {
    const worker = Worker.prototype, { postMessage } = worker;
    const asked = new WeakMap(); // by worker: how many answers are missing, and the last question

    function ask(to, words, message, ...rest) {
      const state = asked.get(to);
      state.open += 1;
      state.words = words;
      return postMessage.call(to, { ...message, type: QUERY, data: words }, ...rest);
    }

    function follow({ target, data }) {
      const state = asked.get(target);
      if (!data || data.type !== RESULT || (state.open -= 1) > 0) return; // or a newer question is on its way
      const near = askNear(state.words, data.data.items.flat());
      if (near !== state.words) ask(target, near);
    }

    worker.postMessage = function (message, ...rest) {
      if (!message || message.type !== QUERY || typeof message.data !== "string") return postMessage.call(this, message, ...rest);
      if (!asked.has(this)) {
        asked.set(this, { open: 0, words: "" });
        this.addEventListener("message", follow);
      }
      return ask(this, respellQuery(message.data.trim()), message, ...rest);
    };
  }

  function nameDialog() {
    const dialog = document.querySelector(".md-search[role=dialog]:not([aria-label], [aria-labelledby])");
    const field = dialog && dialog.querySelector("input[aria-label]");
    if (field) dialog.setAttribute("aria-label", field.getAttribute("aria-label"));
  }

  addEventListener("DOMContentLoaded", nameDialog);
  if (location.protocol !== "file:") waitForIndex(); // from a folder the theme waits by itself
  respellQueries();
})();
