// What can be learnt from, what was learnt, how it measured, and the owner's word on it.

import { get, hasRoute, post } from "../shared/api.js";
import { curve } from "../shared/curves.js";
import { button, duration, field, h, heading, moment, pill, problemPlace, reporting, toast } from "../shared/elements.js";
import { markdown } from "../shared/markdown.js";

const TONES = { trained: "wait", evaluated: "wait", approved: "good", deployed: "good", rejected: "bad", rolled_back: "calm" };
const DECISIONS = {
  approve: { text: "Approve", kind: "primary", sign: "check", from: ["evaluated", "rolled_back"] },
  reject: { text: "Reject", kind: "quiet", sign: "close", from: ["trained", "evaluated", "approved"] },
  rollback: { text: "Roll back", kind: "quiet", sign: "undo", from: ["approved", "deployed"] },
};

export function show(place) {
  const models = h("section", { "aria-label": "Models" });
  const datasets = h("section.card", { "aria-label": "Datasets" });
  place.replaceChildren(
    heading("Models", "A model is trained on a dataset, measured against its base, and answers once you approve it."),
    models,
    datasets,
  );
  showDatasets(datasets);
  hasRoute("/v1/twins").then((present) => present && showModels(models));
}

async function showDatasets(place) {
  const problem = problemPlace();
  place.replaceChildren(h("h2", {}, "Datasets"), problem);
  const found = await reporting(problem, () => get("/v1/datasets"));
  if (!found) return;
  const rows = found.datasets.map(datasetRow);
  place.append(rows.length ? h("div.stack", {}, ...rows)
    : h("p.empty", {}, "No dataset yet. One is built when enough was published; the command twin dataset build makes one at once."));
}

function datasetRow(entry) {
  const figures = [["documents", entry.documents], ["to learn from", entry.train_samples], ["held out", entry.test_samples], ["preference pairs", entry.preference_pairs]];
  const parts = Object.entries(entry.report).filter(([, counts]) => Object.keys(counts).length);
  return h("details.item", { id: `dataset-${entry.dataset_id}` },
    h("summary", {}, h("b", {}, entry.dataset_id), moment(entry.created_at), numbers(figures)),
    ...entry.warnings.map((warning) => h("p.notice", {}, warning)),
    h("div.report", {}, ...parts.map(([title, counts]) => countTable(title, counts))));
}

function numbers(figures) {
  return h("span.figures", {}, ...figures.map(([name, value]) => h("span", {}, h("b", {}, value.toLocaleString()), ` ${name}`)));
}

function countTable(title, counts) {
  const rows = Object.entries(counts).map(([name, count]) => h("tr", {}, h("th", { scope: "row" }, name.replaceAll("_", " ")), h("td.number", {}, count.toLocaleString())));
  return h("table", {}, h("caption", {}, title), h("tbody", {}, ...rows));
}

async function showModels(place) {
  const problem = problemPlace();
  const list = h("div.stack");
  place.className = "card";
  place.replaceChildren(h("h2", {}, "Models"), problem, list);
  const load = () => reporting(problem, async () => {
    const found = await get("/v1/twins");
    list.replaceChildren(...found.trainings.map(training), ...found.twins.map((model) => modelCard(model, load)));
    if (!list.hasChildNodes()) list.append(h("p.empty", {}, "No model was trained yet: the command twin train begins with the newest dataset."));
  });
  await load();
}

const JOB_TONES = { waiting: "calm", running: "wait", done: "good", parked: "bad" };

function training({ id, state, reason, progress, base_model: base, dataset_id: dataset }) {
  const step = progress && `${progress.phase}: step ${progress.step} of ${progress.steps}${progress.seconds_left ? `, ${duration(progress.seconds_left)} left` : ""}`;
  return h("article.item.model", {},
    h("header", {}, h("h3", {}, id), pill(`training ${state}`, JOB_TONES[state])),
    h("p.hint", {}, `${base}, on ${dataset}`),
    progress?.steps ? h("progress", { value: progress.step, max: progress.steps, "aria-label": `Progress of ${id}` }) : "",
    step && h("p.hint", {}, step),
    reason && h("p.notice", {}, reason));
}

function modelCard(model, reload) {
  const { id, stage, history } = model;
  const problem = problemPlace();
  const report = h("div.prose");
  const why = h("input", { id: `why-${id}`, maxlength: 2000, autocomplete: "off" });
  const decide = (name) => () => reporting(problem, async () => {
    const reason = why.value.trim();
    if (!reason) {
      why.focus();
      throw new Error("Say why first: it is kept with the decision.");
    }
    await post(`/v1/models/${encodeURIComponent(id)}/${name}`, { reason });
    toast(`${DECISIONS[name].text}: done`);
    await reload();
  });
  const possible = Object.entries(DECISIONS).filter(([, decision]) => decision.from.includes(stage));
  const actions = possible.map(([name, { text, kind, sign }]) => button(text, sign, decide(name), { kind }));
  const answers = model.served_name && pill(model.share < 1 ? `answers ${Math.round(100 * model.share)} %` : "answers", "good");
  const figures = Object.entries(model.figures).map(([name, value]) => [name.replaceAll("_", " "), Number(value.toPrecision(3))]);
  return h("article.item.model", { id: `model-${id}` },
    h("header", {}, h("h3", {}, id), pill(stage.replace("_", " "), TONES[stage]), answers),
    h("p.hint", {}, `${model.base_model}, on ${model.dataset_id}`),
    figures.length > 0 && numbers(figures),
    model.erased_sources.length > 0 && h("p.notice", {}, `${model.erased_sources.length} of the documents it learnt from were erased: train it anew.`),
    model.curves.length > 0 && h("details", {}, h("summary", {}, "Learning curves"), h("div.curves", {}, ...model.curves.map(curve))),
    history.length > 0 && h("details", {}, h("summary", {}, "History"), h("ol.steps", {}, ...history.map((step) =>
      h("li", {}, pill(step.stage.replace("_", " "), TONES[step.stage]), " ", moment(step.at), h("small", {}, ` ${step.who}: ${step.why}`))))),
    h("details", { ontoggle: (event) => event.target.open && !report.hasChildNodes() && reporting(problem, () => openReport(id, report)) },
      h("summary", {}, "Report"), report),
    possible.length > 0 && h("div.decision", {}, field("Why (kept in the history)", why), h("div.actions", {}, ...actions)),
    problem);
}

async function openReport(id, place) {
  const found = await get(`/v1/models/${encodeURIComponent(id)}/report`, { Accept: "text/markdown" });
  place.replaceChildren(markdown(found));
}
