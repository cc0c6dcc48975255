// What the owner thinks of an answer: thumbs, and how they would have put it.

import { post } from "./api.js";
import { button, copy, field, h, problemPlace, reporting, toast } from "./elements.js";

/**
 * The row of actions below an answer.
 * @param {{id: string, model: string, prompt: string, answer: string}} given what is judged
 */
export function feedbackRow(given) {
  const problem = problemPlace();
  const shared = { completion_id: given.id, model: given.model, prompt: given.prompt, answer: given.answer };
  const thumbs = ["up", "down"].map((rating) =>
    button("", `thumb-${rating}`, () => rate(rating), {
      label: rating === "up" ? "Good answer" : "Bad answer",
      "aria-pressed": "false",
      "data-rating": rating,
    }),
  );
  const rate = (rating) =>
    reporting(problem, async () => {
      await post("/v1/feedback", { ...shared, rating });
      for (const thumb of thumbs) thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
      toast("Thank you: it is part of the next dataset");
    });
  const editor = h("div.edit", { hidden: true });
  const toggle = button("Say it better", "edit", () => openEditor(), { "aria-expanded": "false" });
  const openEditor = () => {
    editor.hidden = !editor.hidden;
    toggle.setAttribute("aria-expanded", String(!editor.hidden));
    if (editor.hidden) return;
    const text = h("textarea", { id: `edit-${given.id}`, rows: 6 });
    text.value = given.answer;
    const save = button("Save my wording", "check", () =>
      reporting(problem, async () => {
        await post("/v1/feedback", { ...shared, edit: text.value });
        editor.hidden = true;
        toggle.setAttribute("aria-expanded", "false");
        toast("Saved: the next dataset prefers your wording");
      }), { kind: "primary" });
    editor.replaceChildren(field("How you would have written it", text), h("div.actions", {}, save));
    text.focus();
  };
  return h(
    "div.feedback",
    {},
    h("div.actions", {}, ...thumbs, button("Copy", "copy", () => copy(given.answer)), toggle,
      h("a.button.quiet", { href: `#/traces/${given.id}` }, "How it came about")),
    editor,
    problem,
  );
}
