// Decisions on paths: a key each for bad and good, a note, a correction, undo. Loaded with `mathse view --edit` alone.
"use strict";

// The token that writes comes behind the `#` of the printed address, and is sent as a header: no cookie has it.
const STORED = "mathse-edit";
if (location.hash.startsWith("#edit=")) {
  try { localStorage.setItem(STORED, location.hash.slice(6)); } catch { /* this page cannot keep it */ }
  history.replaceState(history.state, "", location.pathname + location.search);
}

const editor = document.getElementById("editor");
const field = (name) => document.getElementById(`editor-${name}`);
let edited = null; // the path in the dialog
let last = null; // the path decided on last
let latest = 0; // drafts are drawn in the order in which they were typed

async function ask(address, content) {
  let token = "";
  try { token = localStorage.getItem(STORED) ?? ""; } catch { /* told by the answer */ }
  const headers = { "Content-Type": "application/json", "X-MathSE-Edit": token };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(content) }).catch(unanswered);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

function unanswered() {
  throw new Error(`Nothing answers. \`mathse view --edit --port ${location.port}\` serves this page again.`);
}

function tell(text, wrong = false) {
  const place = document.getElementById("toast");
  (editor.open ? editor : document.body).append(place); // an open dialog covers all that is outside of it
  place.textContent = text;
  place.classList.toggle("wrong", wrong);
  place.classList.add("on");
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => place.classList.remove("on"), wrong ? 8000 : 2500);
}

async function decide(path, act, content = {}) {
  const id = encodeURIComponent(path);
  const address = act === "undo" ? `/edit/undo/${id}` : `/edit/decide/${id}`;
  try {
    const text = await ask(address, act === "undo" ? {} : { tag: act, ...content });
    last = path;
    show(path, text);
    tell(act === "undo" ? "Taken back" : `${{ good: "Good", bad: "Bad", note: "Noted", fixed: "Corrected" }[act]}: u takes it back`);
    return true;
  } catch (error) {
    tell(error.message, true);
    return false;
  }
}

// What counts now, wherever the path is on the page.
function show(path, text) {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  for (const old of document.querySelectorAll(`[data-decision="${CSS.escape(path)}"]`)) {
    const [row, focused] = [old.closest("[data-row]"), old.contains(document.activeElement)];
    old.replaceWith(fresh.content.cloneNode(true));
    if (focused) row?.focus({ preventScroll: true }); // the button that was clicked is gone
  }
  for (const badge of document.querySelectorAll(`[data-badge="${CSS.escape(path)}"]`)) {
    badge.replaceChildren(...[fresh.content.querySelector(".tag")].filter(Boolean).map((tag) => tag.cloneNode(true)));
  }
  prepare(document);
}

async function open(path, act) {
  const unsaved = drafts.get(path);
  let saved = null;
  try {
    saved = await written(path);
  } catch (error) {
    if (!unsaved) { // no text to begin with: what is saved would take the place of one that was never seen
      tell(error.message, true);
      return;
    }
  }
  if (editor.open) return; // another path was faster
  if (saved && act === "note") saved.note = ""; // a note is one more line, and no one else's
  edited = { path, act, saved };
  const { text, note } = unsaved ?? saved;
  field("note").value = note;
  field("text").value = text;
  offerDiscard();
  editor.classList.toggle("noting", act === "note");
  document.getElementById("editor-title").textContent = act === "note" ? "Note on the path" : "Correct the path";
  if (act === "fixed") draft();
  editor.showModal();
  if (unsaved) tell("As you left it");
  field(act === "note" ? "note" : "text").focus();
}

// The whole path as it reads now, and the note of what counts: lists show its beginning.
async function written(path) {
  const answer = await fetch(`/text/${encodeURIComponent(path)}`).catch(unanswered);
  if (!answer.ok) throw new Error("This path cannot be read any more: reload the page");
  return answer.json();
}

// What was typed and not saved: closing the dialog, or the page, loses nothing.
const drafts = {
  name: (path) => `mathse-draft-${path}`,
  get(path) {
    try { return JSON.parse(sessionStorage.getItem(this.name(path))); } catch { return null; }
  },
  keep() {
    const typed = { text: field("text").value, note: field("note").value };
    if (typed.text === edited.saved?.text && typed.note === edited.saved.note) return this.drop(edited.path);
    try { sessionStorage.setItem(this.name(edited.path), JSON.stringify(typed)); } catch { /* too long to keep */ }
  },
  drop(path) {
    try { sessionStorage.removeItem(this.name(path)); } catch { /* there was none */ }
  },
};

// Only what differs from what is saved can be discarded.
function offerDiscard() {
  document.getElementById("discard").hidden = !edited.saved || !drafts.get(edited.path);
}

// Typed over as by hand, so that the browser's own undo (Ctrl Z) brings back what was discarded.
function discard() {
  for (const name of ["note", "text"]) {
    if (field(name).value === edited.saved[name]) continue;
    field(name).focus();
    field(name).select();
    document.execCommand("insertText", false, edited.saved[name]);
  }
  tell("As it is saved: Ctrl Z brings yours back");
}

function draft() {
  const mine = ++latest;
  clearTimeout(draft.timer);
  draft.timer = setTimeout(async () => {
    try {
      const text = await ask("/edit/draft/text", { text: field("text").value });
      if (mine !== latest) return;
      field("draft").innerHTML = text;
      for (const place of field("draft").querySelectorAll(".tex")) draw(place);
    } catch (error) {
      tell(error.message, true);
    }
  }, 120);
}

let saving = false;

async function save() {
  if (saving) return; // a second Enter while the first is on its way
  const { path, act } = edited;
  const content = { note: field("note").value };
  if (act === "fixed") content.text = field("text").value;
  saving = true;
  const saved = await decide(path, act, content);
  saving = false;
  if (!saved) return;
  drafts.drop(path);
  editor.close();
}

field("text").addEventListener("input", draft);
editor.addEventListener("input", () => { drafts.keep(); offerDiscard(); });
document.getElementById("discard").addEventListener("click", discard);
editor.addEventListener("close", () => document.body.append(document.getElementById("toast")));
editor.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter?.value === "cancel") editor.close(); else save();
});
editor.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  save();
});

function act(path, name) {
  if (name === "note" || name === "fixed") open(path, name); else decide(path, name);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  const path = button?.closest("[data-decision]").dataset.decision;
  if (button) act(path, button.dataset.act);
});

const here = () => document.activeElement.closest?.("[data-path]")?.dataset.path ?? only();

// A page with a single path is about that one.
function only() {
  const paths = document.querySelectorAll("[data-path]");
  return paths.length === 1 ? paths[0].dataset.path : null;
}

// A key that is held down decides once: each decision is a line of the file, and `u` would take back all of them.
function byKey(name) {
  return (event) => {
    if (event.repeat) return;
    const path = here() ?? (name === "undo" ? last : null);
    if (path) act(path, name); else tell("Choose a path first: j and k");
  };
}

Object.assign(KEYS, { g: byKey("good"), b: byKey("bad"), c: byKey("note"), e: byKey("fixed"), u: byKey("undo") });
