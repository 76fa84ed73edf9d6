// Long work: begun, watched and stopped.
import { SILENT, TOLD, api, notice } from "./writing.js";

// What came of it, in a sentence that is still there when the page is loaded anew.
const SAID = {
  build: (r) => `${r.added} added, ${r.unchanged} unchanged, ${r.refused.length} refused.`,
  tune: (r) => (r.kept ? `The settings are fitted to ${r.tuned_on} labelled pictures.` : "The settings stay as they are."),
  evaluate: (r) => `Evaluation ${r.number} is made.`,
  map: () => "The map is made.",
};

function watch(form, task) {
  const line = form.querySelector(".progress");
  const bar = line.querySelector("progress");
  line.hidden = false;
  for (const part of line.children) part.hidden = false;
  line.querySelector("span").className = "";
  line.querySelector("[data-do=stop]").onclick = () => api(`tasks/${task.id}`, undefined, "DELETE");
  const events = new EventSource(`/api/v1/tasks/${task.id}/events`);
  events.onerror = () => {
    events.close();
    line.hidden = true;
    notice(SILENT, true);
  };
  events.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    if (told.total) [bar.max, bar.value] = [told.total, Math.min(told.done, told.total)];
    else bar.removeAttribute("value");
    const far = told.done ? told.done.toLocaleString("en") : "";
    line.querySelector("span").textContent = [told.what, far, told.total ? `of ${told.total.toLocaleString("en")}` : ""].join(" ");
    if (told.state === "running") return;
    events.close();
    if (told.state === "done") return finished(form.dataset.task, task.id);
    bar.hidden = true; // what went wrong stays to be read
    line.querySelector("button").hidden = true;
    line.querySelector("span").textContent = told.error || told.state;
    line.querySelector("span").className = told.state === "failed" ? "wrong" : "";
  };
}

async function finished(kind, id) {
  const told = await api(`tasks/${id}`);
  const notes = told?.report?.notes || [];
  if (told) sessionStorage.setItem(TOLD, [SAID[kind]?.(told.report), ...notes].filter(Boolean).join(" "));
  location.assign(location.pathname);
}

const forms = [...document.querySelectorAll("form.task")];
for (const form of forms) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const split = form.elements.split?.value;
    const task = await api("tasks", { kind: form.dataset.task, ...(split ? { split } : {}) });
    if (task) watch(form, task);
  });
}
if (forms.length) {
  api("tasks").then((told) => {
    const running = told?.tasks.find((task) => task.state === "running");
    const form = forms.find((one) => one.dataset.task === running?.kind);
    if (form) watch(form, running);
  });
}
