// Keeps the page live: asks for it again and again, and changes what changed. Scroll, focus, selection and open
// details stay. Without this script the page is the same, and is reloaded by hand.
(() => {
  "use strict";
  const page = () => document.getElementById("page");
  const says = document.getElementById("live");
  let etag = null;
  let failures = 0;

  // Durations that count on. They are the server's time, by the difference to this clock.
  let ahead = 0;
  const words = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
    const two = (n) => String(n).padStart(2, "0");
    if (d) return `${d}d ${two(h)}h`;
    if (h) return `${h}h ${two(m)}m`;
    if (m) return `${m}m ${two(s % 60)}s`;
    return `${s}s`;
  };
  const tick = () => {
    for (const element of document.querySelectorAll("[data-since]")) {
      const text = words(Date.now() + ahead - Number(element.dataset.since));
      if (element.textContent !== text) element.textContent = text;
    }
  };

  // A form in which a person chose or typed something is left alone.
  const touched = new WeakSet();
  for (const event of ["input", "change"]) {
    document.addEventListener(event, ({ target }) => target.form && touched.add(target.form));
  }
  const callbacks = {
    beforeNodeMorphed: (node) => !touched.has(node),
    // What a person opened or typed stays.
    beforeAttributeUpdated: (name, node) =>
      !(name === "open" && node.nodeName === "DETAILS") && !(name === "value" && node === document.activeElement),
  };
  const show = (html) => {
    const next = new DOMParser().parseFromString(html, "text/html");
    const content = next.getElementById("page");
    if (!content) return;
    Idiomorph.morph(page(), content, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks });
    document.title = next.title;
    tick();
  };

  // The word about what was done is not part of the address that a person sees or shares, and goes after a while.
  let address = location.href;
  const clean = new URL(address);
  if (clean.searchParams.has("done")) {
    clean.searchParams.delete("done");
    history.replaceState(history.state, "", clean);
    setTimeout(() => {
      address = clean.href;
      etag = null;
    }, 20000);
  }

  class SignedOut extends Error {}
  const poll = async () => {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(address, { headers, cache: "no-store", credentials: "same-origin" });
    const date = Date.parse(answer.headers.get("date"));
    if (date && Math.abs(date - Date.now()) > 5000) ahead = date - Date.now();
    if (answer.status === 304) return;
    if (answer.status === 401) throw new SignedOut();
    if (!answer.ok) throw new Error(String(answer.status));
    etag = answer.headers.get("etag");
    show(await answer.text());
  };
  // A form is filled in peace, and a page that nobody sees asks nothing.
  const isQuiet = () => document.hidden || document.querySelector("main form[method=post], main form[data-asks]");
  const loop = async () => {
    if (!isQuiet()) {
      try {
        await poll();
        failures = 0;
        says.textContent = "";
      } catch (error) {
        failures += 1;
        says.textContent = error instanceof SignedOut
          ? "You are signed out. Load the page again to sign in."
          : "The server does not answer. This page is not current.";
      }
    }
    const every = Number(page().dataset.poll) || 15000;
    setTimeout(loop, Math.min(every * 2 ** Math.min(failures, 4), 60000));
  };
  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!isQuiet()) poll().catch(() => {});
  });
  setTimeout(loop, Number(page().dataset.poll) || 15000);
})();
