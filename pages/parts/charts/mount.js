// Streamlit calls this with the data of a chart or of the panel. Python sends figures (Plotly's JSON) of the last epoch
// and the numbers that other epochs change in them, packed; these files draw, play epochs back and answer the mouse.
// They never compute a result.

export default function (component) {
  const root = component.parentElement.querySelector(".lab");
  root.panel ??= root.classList.contains("lab-single") ? new Chart(root) : new Panel(root);
  const { panel } = root;
  const turn = panel.turn = (panel.turn ?? 0) + 1;
  panel.send = (name, value) => setTimeout(() => root.isConnected && alone(() => component.setTriggerValue(name, value)));
  panel.mount();
  panel.show(component.data[0]); // `sealed` of the Python file beside this one
  // Streamlit calls this when the component leaves the page; of two calls in quick succession, also after the second
  // has shown its data: that of the first then ends nothing.
  return () => { if (panel.turn === turn) panel.unmount(); };
}
