// One picture after another: 1–9 labels, Space leaves, Z takes back; the next one is fetched ahead.
import { actions, keys } from "./page.js";
import { api, count, label, notice, undo } from "./writing.js";

const holder = document.getElementById("queue-of");
const ids = holder ? holder.dataset.ids.split(",").filter(Boolean).map(Number) : [];
const stage = document.getElementById("stage");
const foreseen = document.getElementById("foreseen");
const ready = new Map(); // promises of pages by id
const steps = []; // places, with whether a label was set
let place = 0;
let done = 0;
let busy = false;
const begun = performance.now();

function fetchOne(id) {
  if (id === undefined) return undefined;
  if (!ready.has(id)) {
    const coming = fetch(`/review/${id}`, { headers: { "X-Fragment": "yes" } })
      .then((answer) => {
        if (!answer.ok) ready.delete(id);
        return answer.text();
      })
      .catch(() => {
        ready.delete(id); // asked for again once the page is back
        return '<p class="wrong">The page does not answer; is <code>mediclip-index serve</code> still running?</p>';
      });
    ready.set(id, coming);
    const image = new Image();
    image.src = `/api/v1/images/${id}/preview?side=1200`;
  }
  return ready.get(id);
}

async function show() {
  const id = ids[place];
  if (id === undefined) {
    stage.innerHTML = '<p class="nothing">That was the last one. <a href="/quality">Evaluate</a> shows what it brought.</p>';
    foreseen.textContent = "";
    return;
  }
  const html = await fetchOne(id);
  if (ids[place] !== id) return;
  stage.innerHTML = html;
  stage.dataset.shown = String(id);
  for (const ahead of [1, 2, 3]) fetchOne(ids[place + ahead]);
  foreseen.textContent = "";
  const likely = stage.firstElementChild?.dataset.likely;
  clearTimeout(show.later);
  show.later = setTimeout(() => likely && foresee(id, likely), 700);
}

// How many verdicts the likeliest label would turn, once the person looks for a moment.
async function foresee(id, name) {
  const found = await api(`labels/${id}/turns?label=${encodeURIComponent(name)}`);
  if (!found || ids[place] !== id || found.turned === null) return;
  const turned = found.turned ? `turns ${count(found.turned)} around it` : "turns nothing around it";
  foreseen.textContent = `Labelled ${name} it ${turned}.`;
}

function tell() {
  document.getElementById("done").textContent = String(done);
  const minutes = (performance.now() - begun) / 60000;
  document.getElementById("rate").textContent = done ? String(Math.round(done / minutes)) : "–";
}

function next(labelled) {
  steps.push(labelled);
  done += 1;
  place += 1;
  tell();
  return show();
}

async function say(name) {
  if (busy || ids[place] === undefined) return;
  busy = true;
  const field = document.getElementById("kind");
  const report = await label([ids[place]], name);
  busy = false;
  if (!report) return;
  field.value = "";
  await next(Boolean(report.tx));
}

async function back() {
  if (busy || steps.length === 0) return notice("There is nothing to take back.");
  busy = true;
  // What can't be taken back any more is gone back to all the same; the page has said why.
  if (steps[steps.length - 1]) await undo();
  steps.pop();
  place -= 1;
  done -= 1;
  ready.delete(ids[place]);
  busy = false;
  tell();
  return show();
}

if (ids.length) {
  actions.label = (button) => say(button.dataset.label);
  actions.clear = () => say("");
  actions.undo = back;
  actions.leave = () => (busy ? undefined : next(false));
  keys.push((event) => {
    if (event.key !== " " || event.target.closest("button, a, summary")) return false;
    actions.leave();
    return true;
  });
  show();
}
