// Writing in the owner's voice: the twin's version and one's own side by side, and drafts to come back to.

import { get, post, put, remove, streamChat } from "../shared/api.js";
import { button, copy, field, h, heading, moment, pill, problemPlace, reporting, toast } from "../shared/elements.js";
import { markdown } from "../shared/markdown.js";
import { citation, notice, sourceList } from "./chat.js";

/** Of presets, by platform or kind, what a person calls the place. */
const PLACES = { linkedin: "LinkedIn", x: "X", article: "blog", post: "comment", code: "with comments" };

/** The kinds of text come from the platform, with the limits of the places where they are published. */
export function show(place) {
  let leave = () => {};
  const problem = problemPlace();
  place.replaceChildren(problem);
  reporting(problem, async () => {
    const { presets } = await get("/v1/presets");
    leave = desk(place, presets);
  });
  return () => leave();
}

function desk(place, kinds) {
  const state = { draftId: null, generated: null, controller: null };
  const problem = problemPlace();
  const idea = h("textarea", { id: "idea", rows: 4, required: true, maxlength: 32000, placeholder: "What should it say?" });
  const skeleton = h("textarea", { id: "skeleton", rows: 4, maxlength: 32000, placeholder: "One point a line" });
  const links = h("textarea", { id: "knowledge", rows: 2, placeholder: "https://… one a line" });
  const presets = h("fieldset.presets", {}, h("legend", {}, "What to write"), ...kinds.map(presetChoice));
  const go = h("button.primary", { type: "submit" }, "Write");
  const stop = button("Stop", "stop", () => state.controller?.abort(), { hidden: true });
  const output = h("div.prose.answer", { "aria-live": "polite", "aria-busy": "false" }, h("p.empty", {}, "The twin’s version appears here."));
  const below = h("div");
  const twins = h("section.card.pane", { "aria-labelledby": "twins-title" }, h("h2", { id: "twins-title" }, "The twin’s version"), output, below);
  const own = h("textarea.own", { id: "own", rows: 14, "aria-label": "Your version" });
  const count = h("p.hint", { role: "status" });
  const drafts = h("section.card", { "aria-label": "Drafts" });
  const preset = () => kinds.find(({ name }) => name === presets.querySelector("input:checked").value);

  const tellLength = () => {
    const { characters: limit, in_parts: inParts } = preset();
    const parts = inParts ? own.value.split(/\n\s*\n/).filter((part) => part.trim()) : [own.value];
    const longest = Math.max(0, ...parts.map((part) => [...part.trim()].length));
    const size = inParts ? `${parts.length} parts, the longest ${longest}` : `${longest.toLocaleString()} characters`;
    count.textContent = limit ? `${size} of ${limit.toLocaleString()}` : size;
    count.classList.toggle("over", Boolean(limit) && longest > limit);
  };
  own.addEventListener("input", tellLength);
  presets.addEventListener("change", tellLength);

  async function write(event) {
    event.preventDefault();
    state.controller?.abort();
    const mine = new AbortController();
    state.controller = mine;
    const chosen = preset();
    const knowledge = links.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const writing = { preset: chosen.name, ...(skeleton.value.trim() && { skeleton: skeleton.value.trim() }), ...(knowledge.length && { links: knowledge }) };
    let text = "";
    output.setAttribute("aria-busy", "true");
    output.replaceChildren();
    below.replaceChildren();
    go.hidden = true;
    stop.hidden = false;
    await reporting(problem, async () => {
      const messages = [{ role: "user", content: idea.value.trim() }];
      for await (const piece of streamChat({ messages, writing }, mine.signal)) {
        text += piece.text ?? "";
        if (piece.text) output.replaceChildren(markdown(text, (number) => citation(number, twins)));
        below.append(...(piece.notices ?? []).map(notice));
        if (!piece.end) continue;
        Object.assign(state, { draftId: null, generated: { completion_id: piece.id, model: piece.model, prompt: idea.value.trim(), text } });
        below.append(sourceList(piece.end.citations ?? []));
        own.value = piece.end.draft.parts.map((part) => part.text).join("\n\n");
        tellLength();
      }
    });
    output.setAttribute("aria-busy", "false");
    go.hidden = false;
    stop.hidden = true;
  }

  const save = () => reporting(problem, async () => {
    const body = { title: idea.value.trim().split("\n")[0].slice(0, 300), text: own.value };
    const saved = state.draftId
      ? await put(`/v1/drafts/${state.draftId}`, body)
      : await post("/v1/drafts", { ...body, preset: preset().name, ...(state.generated && { generated: state.generated }) });
    state.draftId = saved.draft_id;
    toast("Draft saved");
    await listDrafts();
  });

  async function listDrafts() {
    const found = await reporting(problem, () => get("/v1/drafts"));
    const entries = found?.drafts ?? [];
    drafts.replaceChildren(h("h2", {}, "Drafts"),
      entries.length ? h("ul.drafts", {}, ...entries.map(draftRow)) : h("p.empty", {}, "No drafts yet."));
  }

  function draftRow(draft) {
    const open = () => {
      state.draftId = draft.draft_id;
      state.generated = draft.generated;
      own.value = draft.text;
      idea.value = draft.generated?.prompt ?? draft.title;
      const radio = presets.querySelector(`input[value="${draft.preset}"]`);
      if (radio) radio.checked = true;
      tellLength();
      own.focus();
    };
    const forget = () => reporting(problem, async () => {
      await remove(`/v1/drafts/${draft.draft_id}`);
      if (state.draftId === draft.draft_id) state.draftId = null;
      await listDrafts();
    });
    return h("li", {}, h("button.link", { type: "button", onclick: open }, (draft.title || draft.text || "Untitled").slice(0, 80)),
      pill(draft.preset), moment(draft.updated_at), button("", "trash", forget, { label: "Delete this draft" }));
  }

  place.replaceChildren(
    heading("Write", "From an idea, an outline, or pages and papers by their links, in the author’s voice."),
    h("form.card.brief", { onsubmit: write }, presets, field("Your idea", idea),
      h("div.columns", {},
        h("details", {}, h("summary", {}, "An outline to follow"), field("Outline", skeleton)),
        h("details", {}, h("summary", {}, "Pages, papers and repositories to use"), field("Links", links, "They are read, and cited like the author’s own texts."))),
      h("div.actions.end", {}, stop, go)),
    problem,
    h("div.columns.side-by-side", {}, twins,
      h("section.card.pane", { "aria-labelledby": "own-title" }, h("h2", { id: "own-title" }, "Your version"), own, count,
        h("div.actions", {}, button("Copy", "copy", () => copy(own.value), { kind: "primary" }), button("Save the draft", "check", save)),
        h("p.hint", {}, "What you change teaches the twin: with the draft it becomes part of the next dataset."))),
    drafts);
  tellLength();
  listDrafts();
  return () => state.controller?.abort();
}

function presetChoice({ name, title, platform, category }, position) {
  return h("label.preset", {}, h("input", { type: "radio", name: "preset", value: name, checked: position === 0 }), h("b", {}, title),
    h("small", {}, PLACES[platform ?? category]));
}
