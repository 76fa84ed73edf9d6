// What all pages share: selecting, labelling, taking back, dropping files, and long work.
export const readOnly = document.body.dataset.readOnly === "yes";
export const holder = document.querySelector("[data-classes]");
export const classes = holder ? JSON.parse(holder.dataset.classes) : [];
const kinds = holder ? JSON.parse(holder.dataset.kinds) : {};
const past = []; // transactions that can be taken back, the last one last
const STORED = "mediclip-undo";

const box = document.getElementById("notice");
let fading = 0;
export function notice(text, wrong = false) {
  clearTimeout(fading);
  const p = document.createElement("p");
  p.textContent = text;
  if (wrong) p.className = "wrong";
  box.replaceChildren(p);
  fading = setTimeout(() => box.replaceChildren(), wrong ? 12000 : 5000);
}

// One request to the API; what went wrong is said where the person looks, and undefined comes back.
export async function api(path, body, method = body === undefined ? "GET" : "POST") {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  try {
    const answer = await fetch(`/api/v1/${path}`, options);
    const told = await answer.json();
    if (answer.ok) return told;
    notice(told.error || `The page answered ${answer.status}.`, true);
  } catch {
    notice("The page does not answer; is `mediclip-index serve` still running?", true);
  }
  return undefined;
}

export function kindTyped() {
  const field = document.getElementById("kind");
  const typed = field ? field.value.trim().toLowerCase().replace(/[ -]+/g, "_") : "";
  if (!typed) return undefined;
  if (!(typed in kinds)) {
    notice(`There is no kind ${field.value}.`, true);
    field.focus();
    return null;
  }
  return typed;
}

// Labels images; gives the report back. `kind` is of the class, so a kind of another is refused.
export async function label(ids, name) {
  if (readOnly) return notice("This page is read-only.", true), undefined;
  if (ids.length === 0) return notice("Select pictures first.", true), undefined;
  let kind = name === "" ? "" : kindTyped();
  if (kind === null) return undefined;
  const said = { ids, label: name };
  if (kind !== undefined) said.kind = kind;
  const report = await api("labels", said);
  if (report) {
    if (report.tx) remember({ tx: report.tx });
    const what = name === "" ? "without a label" : `labelled ${name}${kind ? `, ${kind}` : ""}`;
    const more = report.notes.length ? ` ${report.notes.join(" ")}` : "";
    notice(`${count(ids.length)} ${what}. Z takes it back.${more}`);
  }
  return report;
}

export async function remove(ids) {
  if (readOnly) return notice("This page is read-only.", true), undefined;
  if (ids.length === 0) return notice("Select pictures first.", true), undefined;
  const report = await api("remove", { ids, what: "removed" });
  if (report) {
    remember({ restore: ids });
    notice(`${count(ids.length)} removed; nothing is erased. Z brings them back.`);
  }
  return report;
}

function remember(step) {
  past.push(step);
  sessionStorage.setItem(STORED, JSON.stringify(past.slice(-200)));
}

export async function undo() {
  if (readOnly) return undefined;
  if (past.length === 0) return notice("There is nothing to take back."), undefined;
  const step = past[past.length - 1];
  const report = step.restore
    ? await api("remove", { ids: step.restore, what: "restored" })
    : await api("labels/undo", { tx: step.tx });
  if (report) {
    past.pop();
    sessionStorage.setItem(STORED, JSON.stringify(past));
    const done = step.restore ? "Brought back." : "Taken back.";
    notice([done, ...(report.notes || [])].join(" "));
  }
  return report;
}

export const count = (n) => (n === 1 ? "1 picture" : `${n.toLocaleString("en")} pictures`);

// --- the grid -------------------------------------------------------------------------------------

const grid = document.getElementById("grid");
let at = -1;
let anchor = -1;
let everything = null; // ids of the whole list, where all of it is selected
const cards = () => [...document.querySelectorAll("#grid .card")];
const isSelected = (card) => card.getAttribute("aria-selected") === "true";

function select(card, on = true) {
  card.setAttribute("aria-selected", on ? "true" : "false");
}

export function selectedIds() {
  if (everything) return everything;
  const one = document.getElementById("one");
  if (one) return [Number(one.dataset.id)];
  const chosen = cards().filter(isSelected);
  const all = cards();
  const under = chosen.length === 0 && at >= 0 && all[at] ? [all[at]] : chosen;
  return under.map((card) => Number(card.dataset.id));
}

function showSelected() {
  const n = everything ? everything.length : cards().filter(isSelected).length;
  const place = document.getElementById("selected");
  if (place && grid) place.textContent = n ? `${n.toLocaleString("en")} selected` : "";
}

function clear() {
  everything = null;
  cards().forEach((card) => select(card, false));
  showSelected();
}

function move(to, { extend = false, keep = false } = {}) {
  const all = cards();
  if (all.length === 0) return;
  at = Math.max(0, Math.min(all.length - 1, to));
  if (extend) {
    if (anchor < 0) anchor = at;
    const [low, high] = [Math.min(anchor, at), Math.max(anchor, at)];
    all.forEach((card, n) => select(card, n >= low && n <= high));
  } else if (!keep) {
    anchor = at;
  }
  all[at].focus({ preventScroll: true });
  all[at].scrollIntoView({ block: "nearest" });
  if (at > all.length - 20) document.querySelector("#grid .further")?.dispatchEvent(new Event("revealed"));
  showSelected();
}

function perRow() {
  const all = cards();
  const top = all[0]?.offsetTop;
  const n = all.findIndex((card) => card.offsetTop !== top);
  return n < 0 ? all.length : n;
}

async function selectAll() {
  const query = new URLSearchParams(location.search);
  query.delete("start");
  const found = await api(`images/ids?${query}`);
  if (!found) return;
  everything = found.ids;
  cards().forEach((card) => select(card));
  showSelected();
}

function retell(ids, text, kind) {
  const wanted = new Set(ids);
  for (const card of cards()) {
    if (!wanted.has(Number(card.dataset.id))) continue;
    card.dataset.label = text;
    const badge = document.createElement("span");
    badge.className = text ? "badge said" : "badge";
    badge.textContent = text ? `✓ ${text}` : "no label";
    const kept = kind ? document.createTextNode(` ${kind}`) : "";
    card.querySelector(".told").replaceChildren(badge, kept);
  }
}

async function labelSelected(name) {
  const ids = selectedIds();
  const kind = document.getElementById("kind")?.value.trim();
  const report = await label(ids, name);
  if (!report) return;
  if (document.getElementById("one")) return location.reload();
  retell(ids, name, name && kind);
  const alone = !everything && cards().filter(isSelected).length <= 1;
  clear();
  if (alone && at >= 0) move(at + 1);
}

async function takeBack() {
  if (!(await undo())) return;
  if (grid || document.getElementById("one")) location.reload();
}

function go(ids, address) {
  if (ids.length === 0) return notice("Select pictures first.", true);
  location.href = address + ids.slice(0, 1000).join(",");
}

function saveList() {
  const ids = selectedIds();
  if (ids.length === 0) return notice("Select pictures first.", true);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`image\n${ids.join("\n")}\n`], { type: "text/csv" }));
  link.download = "pictures.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

export const actions = {
  help: () => document.getElementById("help").showModal(),
  label: (button) => labelSelected(button.dataset.label),
  clear: () => labelSelected(""),
  undo: takeBack,
  all: selectAll,
  list: saveList,
  review: () => go(selectedIds(), "/review?queue=list&ids="),
  remove: async () => {
    const ids = selectedIds();
    if (!(await remove(ids))) return;
    const gone = new Set(ids);
    cards().filter((card) => gone.has(Number(card.dataset.id))).forEach((card) => card.remove());
    clear();
    move(at);
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && actions[button.dataset.do]) {
    event.preventDefault();
    actions[button.dataset.do](button);
    return;
  }
  const card = event.target.closest("#grid .card");
  if (!card) return;
  const place = cards().indexOf(card);
  if (event.shiftKey) {
    event.preventDefault();
    move(place, { extend: true });
  } else if (event.ctrlKey || event.metaKey || !event.target.closest("a")) {
    event.preventDefault();
    everything = null;
    select(card, !isSelected(card));
    move(place);
  }
});

const typing = (target) => target.closest("input, select, textarea, dialog[open]");

// Keys of a page come first; each says whether it has taken the key.
export const keys = [];
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  if (event.target.id === "kind" && event.key === "Enter") {
    event.preventDefault();
    const kind = kindTyped();
    if (kind) (actions.labelKind || ((k) => labelSelected(kinds[k][0] || kinds[k])))(kind);
    return undefined;
  }
  if (typing(event.target) || event.altKey) return undefined;
  if (keys.some((key) => key(event))) return event.preventDefault();
  if ((event.ctrlKey || event.metaKey) && event.key === "a" && grid) {
    event.preventDefault();
    return selectAll();
  }
  if (event.ctrlKey || event.metaKey) return undefined;
  const moves = grid && { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + perRow(), ArrowUp: at - perRow(), Home: 0, End: cards().length - 1 };
  if (moves && event.key in moves) {
    event.preventDefault();
    return move(at < 0 ? 0 : moves[event.key], { extend: event.shiftKey });
  }
  const number = /^[1-9]$/.test(event.key) ? classes[Number(event.key) - 1] : undefined;
  const done = {
    "/": () => document.getElementById("search")?.focus(),
    "?": actions.help,
    z: actions.undo,
    Z: actions.undo,
    0: () => classes.length && actions.clear(),
    Delete: () => grid && actions.remove(),
    Escape: clear,
    " ": () => grid && at >= 0 && (select(cards()[at], !isSelected(cards()[at])), (everything = null), showSelected()),
    Enter: () => grid && at >= 0 && !event.target.closest("a, button") && (location.href = `/picture/${cards()[at].dataset.id}`),
  }[event.key];
  if (number !== undefined) {
    event.preventDefault();
    return actions.label({ dataset: { label: number } });
  }
  if (done && !(event.key === " " && event.target.closest("button, summary, a"))) {
    event.preventDefault();
    done();
  }
  return undefined;
});

// --- files that are dropped, pasted or chosen ------------------------------------------------------

async function fetched(path, file) {
  try {
    const answer = await fetch(path, {
      method: "POST", body: file,
      headers: { "Content-Type": "application/octet-stream", "X-Filename": encodeURIComponent(file.name || "pasted.png"), "X-Fragment": "yes" },
    });
    const text = await answer.text();
    if (answer.ok) return text;
    return text.trim().startsWith("<p") ? text : `<p class="wrong">The page answered ${answer.status}.</p>`;
  } catch {
    return `<p class="wrong">The page does not answer, or the file is larger than it takes.</p>`;
  }
}

async function searchLike(file) {
  if (!grid || !file) return;
  notice(`Looking for pictures like ${file.name} …`);
  const html = await fetched("/search/picture", file);
  grid.innerHTML = html;
  at = -1;
  clear();
  document.getElementById("total").textContent = `${count(cards().length)} most like ${file.name}`;
  box.replaceChildren();
  move(0);
}
document.getElementById("picture")?.addEventListener("change", (event) => searchLike(event.target.files[0]));

const drop = document.getElementById("drop");
const answers = document.getElementById("answers");
async function ask(files) {
  for (const file of files) {
    const waiting = document.createElement("article");
    waiting.className = "answer";
    waiting.innerHTML = "<p class=note></p>";
    waiting.firstChild.textContent = `${file.name || "pasted picture"} …`;
    answers.prepend(waiting);
    const html = await fetched("/ask", file);
    const told = document.createElement("div");
    told.innerHTML = html;
    if (file.type.startsWith("image/") && told.querySelector(".answer h2")) {
      const shown = document.createElement("img");
      shown.className = "thumb";
      shown.alt = "";
      shown.src = URL.createObjectURL(file);
      told.querySelector(".answer").prepend(shown);
    }
    if (!readOnly && !drop.dataset.hashed && told.querySelector(".answer h2")) told.append(keepButton(file));
    waiting.replaceWith(told);
  }
}

function keepButton(file) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Keep ${file.name || "it"} in the index`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const text = await fetched("/api/v1/keep", file);
    try {
      const report = JSON.parse(text);
      if (report.error) throw new Error(report.error);
      button.textContent = report.added ? `Kept: ${count(report.added)} added` : report.refused.length ? report.refused[0].message : "It was in the index already";
    } catch (error) {
      button.disabled = false;
      notice(error.message, true);
    }
  });
  return button;
}

if (drop) {
  drop.addEventListener("submit", (event) => {
    event.preventDefault();
    ask([...document.getElementById("files").files]);
  });
  document.getElementById("files").addEventListener("change", () => ask([...document.getElementById("files").files]));
}
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
    event.preventDefault();
    (drop || grid)?.classList.toggle("over", kind === "dragover");
    if (kind !== "drop") return;
    const files = [...event.dataTransfer.files];
    if (drop) ask(files);
    else searchLike(files[0]);
  });
}
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (files.length === 0) return;
  event.preventDefault();
  if (drop) ask(files);
  else searchLike(files[0]);
});

// --- long work -------------------------------------------------------------------------------------

for (const form of document.querySelectorAll("form.task")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const split = form.elements.split?.value;
    const task = await api("tasks", { kind: form.dataset.task, ...(split ? { split } : {}) });
    if (!task) return;
    const line = form.querySelector(".progress");
    const bar = line.querySelector("progress");
    line.hidden = false;
    line.querySelector("[data-do=stop]").onclick = () => api(`tasks/${task.id}`, undefined, "DELETE");
    const events = new EventSource(`/api/v1/tasks/${task.id}/events`);
    events.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      if (told.total) [bar.max, bar.value] = [told.total, Math.min(told.done, told.total)];
      else bar.removeAttribute("value");
      line.querySelector("span").textContent = `${told.what} ${told.done ? told.done.toLocaleString("en") : ""}${told.total ? ` of ${told.total.toLocaleString("en")}` : ""}`;
      if (told.state === "running") return;
      events.close();
      if (told.state === "done") return location.assign(location.pathname);
      line.hidden = true;
      notice(told.error || told.state, true);
    };
  });
}

// --- htmx: what went wrong is said, and new verdicts appear ----------------------------------------

document.addEventListener("htmx:responseError", (event) => {
  const told = document.createElement("div");
  told.innerHTML = event.detail.xhr.responseText;
  notice(told.textContent.trim().slice(0, 400) || "The page did not answer.", true);
});
if (history.length && sessionStorage.getItem(STORED)) past.push(...JSON.parse(sessionStorage.getItem(STORED)));
if (grid) showSelected();
