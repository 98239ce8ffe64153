// Streamlit sends what it is told within a moment as one message, and draws the fragment of what came first only: a
// click that followed a component's word would be done and not seen. So that word does not wait for the moment's end.
function alone(tell) {
  const later = window.setTimeout;
  window.setTimeout = (task, delay, ...given) => delay ? later(task, delay, ...given) : task(...given);
  try { tell(); } finally { window.setTimeout = later; }
}
