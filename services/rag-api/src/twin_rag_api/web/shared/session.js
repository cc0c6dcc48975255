// Who is signed in: the key lives in this tab and is forgotten with it.

const KEY = "twin-key";

let onSignOut = () => {};

export const key = () => sessionStorage.getItem(KEY);
export const signIn = (text) => sessionStorage.setItem(KEY, text.trim());

/** Take the key out of a link such as /#key=twin_…, and out of the address, so that no history keeps it. */
export function takeKeyFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (!given) return;
  history.replaceState(null, "", location.pathname);
  signIn(given);
}

export function whenSignedOut(callback) {
  onSignOut = callback;
}

export function signOut(reason = "") {
  sessionStorage.clear();
  onSignOut(reason);
}

/** Whose twin it is; null until somebody is signed in. */
export const session = { author: null };
