// Light, dark, or as the system has it; remembered on this machine.

const KEY = "twin-theme";
const THEMES = ["system", "light", "dark"];

export const themeName = () => document.documentElement.dataset.theme ?? "system";

/** Go on to the next of the three. */
export function cycleTheme() {
  const next = THEMES[(THEMES.indexOf(themeName()) + 1) % THEMES.length];
  localStorage.setItem(KEY, next);
  apply(next);
}

export function restoreTheme() {
  apply(localStorage.getItem(KEY));
}

function apply(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}
