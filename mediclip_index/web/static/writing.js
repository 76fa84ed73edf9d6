// What all pages write: labels, removals, and their taking back; and how they say what happened.
export const readOnly = document.body.dataset.readOnly === "yes";
export const holder = document.querySelector("[data-classes]");
export const classes = holder ? JSON.parse(holder.dataset.classes) : [];
export const kinds = holder ? JSON.parse(holder.dataset.kinds) : {};
const past = []; // what can be taken back, the last one last
const STORED = `mediclip-undo-${document.body.dataset.index}`;
export const TOLD = "mediclip-told"; // what was said just before the page was loaded anew
export const MOST_SHOWN = 200; // cards that are asked for again at once
export const SILENT = "The page does not answer; is `mediclip-index serve` still running?";

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

export const hush = () => box.replaceChildren();

let status = 0; // of the last answer
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
    status = answer.status;
    if (answer.ok) return told;
    notice(told.error || `The page answered ${answer.status}.`, true);
  } catch {
    notice(SILENT, true);
  }
  return undefined;
}

// The page anew, with what it said last still to be read.
export function reload() {
  if (box.textContent) sessionStorage.setItem(TOLD, box.textContent);
  location.reload();
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

// What is written goes out in the order of the keys, so that Z means the last of them.
let last = Promise.resolve();
function inTurn(work) {
  last = last.then(work, work);
  return last;
}

// Labels images; gives the report back. `kind` is of the class, so a kind of another is refused.
export async function label(ids, name) {
  if (readOnly) return notice("This page is read-only.", true), undefined;
  if (ids.length === 0) return notice("Select pictures first.", true), undefined;
  let kind = name === "" ? "" : kindTyped();
  if (kind === null) return undefined;
  const said = { ids, label: name };
  if (kind !== undefined) said.kind = kind;
  const report = await inTurn(() => written(said));
  if (report) {
    const what = name === "" ? "without a label" : `labelled ${name}${kind ? `, ${kind}` : ""}`;
    const more = report.notes.length ? ` ${report.notes.join(" ")}` : "";
    notice(`${count(ids.length)} ${what}.${report.tx ? " Z takes it back." : ""}${more}`);
  }
  return report;
}

async function written(said) {
  const report = await api("labels", said);
  if (report?.tx) remember({ tx: report.tx, ids: said.ids.slice(0, MOST_SHOWN + 1) });
  return report;
}

export async function remove(ids) {
  if (readOnly) return notice("This page is read-only.", true), undefined;
  if (ids.length === 0) return notice("Select pictures first.", true), undefined;
  const report = await inTurn(async () => {
    const done = await api("remove", { ids, what: "removed" });
    if (done) remember({ restore: ids });
    return done;
  });
  if (report) {
    notice(`${count(ids.length)} removed; nothing is erased. Z brings them back.`);
  }
  return report;
}

function remember(step) {
  past.push(step);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(past.slice(-200)));
  } catch {
    sessionStorage.removeItem(STORED); // too much for it: it can be taken back until the page is left
  }
}

export const undo = () => (readOnly ? Promise.resolve() : inTurn(undone));

async function undone() {
  if (past.length === 0) return notice("There is nothing to take back."), undefined;
  const step = past[past.length - 1];
  const report = step.restore
    ? await api("remove", { ids: step.restore, what: "restored" })
    : await api("labels/undo", { tx: step.tx });
  // What the index refuses to take back will be refused again.
  if (!report && ![400, 404].includes(status)) return undefined;
  past.pop();
  sessionStorage.setItem(STORED, JSON.stringify(past));
  if (!report) return undefined;
  const done = step.restore ? "Brought back." : "Taken back.";
  notice([done, ...(report.notes || [])].join(" "));
  return step;
}

export const count = (n) => (n === 1 ? "1 picture" : `${n.toLocaleString("en")} pictures`);

past.push(...JSON.parse(sessionStorage.getItem(STORED) || "[]"));
