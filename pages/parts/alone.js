// Streamlit sends what it is told within a moment as one message, and draws the fragment of what came first only: a
// click that followed a component's word would be done and not seen. So that word does not wait for the moment's end,
// which Streamlit 1.67 leaves to a timer of no delay. It has no public way to send at once: another version may need
// none, or another one (test_a_click_that_comes_with_the_panels_asking_is_seen).
function alone(tell) {
  const later = window.setTimeout;
  window.setTimeout = (task, delay, ...given) => delay ? later(task, delay, ...given) : task(...given);
  try { tell(); } finally { window.setTimeout = later; }
}
