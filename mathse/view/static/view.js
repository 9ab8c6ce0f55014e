// Formulas, keys, theme. Everything on the page also works without this file.
"use strict";

const FORMULA = { throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 200, output: "html" };

// A formula is drawn when it comes into sight; what KaTeX cannot read stays as it was written.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "400px" });

function draw(place) {
  const source = place.textContent;
  try {
    katex.render(place.dataset.tex, place, { ...FORMULA, displayMode: "display" in place.dataset });
    place.title = source;
  } catch {
    place.textContent = source;
    place.classList.add("unread");
  }
}

function prepare(root) {
  for (const place of root.querySelectorAll(".tex:not(.known)")) {
    place.classList.add("known");
    seen.observe(place);
  }
}

// Empty choices stay out of the address.
document.addEventListener("htmx:configRequest", (event) => {
  const chosen = event.detail.formData;
  const columns = chosen.getAll("column").join(",");
  chosen.set("column", columns === document.querySelector(".columns")?.dataset.default ? "" : columns);
  for (const name of [...chosen.keys()]) if (chosen.get(name) === "") chosen.delete(name);
});
document.addEventListener("htmx:beforeRequest", (event) => busy(event, true));
document.addEventListener("htmx:afterRequest", (event) => busy(event, false));
document.addEventListener("htmx:afterSettle", () => prepare(document));
// A filter that is refused is shown where its rows would be.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status < 400 || event.detail.target.id !== "results") return;
  event.detail.shouldSwap = true;
  event.detail.selectOverride = "main > .message";
  event.detail.swapOverride = "innerHTML";
});

function busy(event, on) {
  if (event.detail.target?.id === "results") event.detail.target.setAttribute("aria-busy", String(on));
}

// Tables that have changed: a page that begins at its first row shows the new rows by itself, another one says so.
document.addEventListener("tables-changed", () => {
  const place = document.getElementById("results") ?? document.getElementById("main");
  const waits = /[?&](after|before)=/.test(location.search) || document.querySelector("dialog[open]");
  if (waits || place.dataset.renewing) return;
  place.dataset.renewing = "true";
  const select = `#${place.id}`;
  fetch(location.href, { headers: { "HX-Request": "true" } }).then((answer) => answer.text()).then((text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement.closest?.("[data-row]")?.dataset.href;
    for (const name of [select, "#running"]) {
      const [old, fresh] = [document.querySelector(name), page.querySelector(name)];
      if (!old || !fresh) continue;
      old.replaceWith(fresh);
      htmx.process(fresh);
    }
    if (focused) document.querySelector(`[data-row][data-href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    prepare(document);
  }).catch(() => { delete place.dataset.renewing; });
});
document.addEventListener("click", (event) => {
  if (event.target.matches("[data-reload]")) { event.preventDefault(); location.reload(); }
});

const rows = () => [...document.querySelectorAll("[data-row]")];

function move(step) {
  const all = rows();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement.closest?.("[data-row]"));
  const next = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + step, 0), all.length - 1)];
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: next.offsetHeight > innerHeight * 0.7 ? "start" : "center" });
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  n: () => document.querySelector(".pager a[rel=next]")?.click(),
  p: () => document.querySelector(".pager a[rel=prev]")?.click(),
  t: () => turn(),
  "?": () => document.getElementById("help").showModal(),
  "/": () => document.getElementById("q")?.focus(),
  Enter: () => {
    const row = document.activeElement;
    if (row.matches("[data-row][data-href]")) location.assign(row.dataset.href);
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (typing && event.key === "Escape") event.target.blur();
  if (typing || !(event.key in KEYS) || document.querySelector("dialog[open]")) return;
  if (event.key !== "Enter") event.preventDefault();
  KEYS[event.key](event);
});

function turn() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `mathse-theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
}

document.getElementById("theme").addEventListener("click", turn);
document.getElementById("keys").addEventListener("click", KEYS["?"]);
if (matchMedia("(max-width: 60rem)").matches) {
  for (const filters of document.querySelectorAll(".more-filters")) filters.open = false;
}
prepare(document);
