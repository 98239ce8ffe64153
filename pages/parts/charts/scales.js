// The colour bars beside a heatmap whose epochs are played back. Plotly would draw its own anew with each of them, in a
// quarter of the time of the whole chart, though their numbers stay.

// The same traces without Plotly's bars.
const unscaled = (traces) => traces.map((trace) => (trace.colorbar ? { ...trace, showscale: false } : trace));

// Show the bars of these traces right of what `margin` leaves to the chart; of none, take them away.
function showScales(plot, traces, margin) {
  plot.querySelector(".lab-scales")?.remove();
  const barred = traces.filter((trace) => trace.colorbar);
  if (!barred.length) return;
  const place = document.createElement("div");
  place.className = "lab-scales";
  place.setAttribute("aria-hidden", "true"); // its text alternative says what a chart shows
  Object.assign(place.style, { top: `${margin.t}px`, bottom: `${margin.b}px`, width: `${margin.r}px` });
  // What has no numbers of its own stands inside.
  barred.sort((a, b) => a.colorbar.x - b.colorbar.x);
  place.append(...barred.map(({ colorscale, colorbar, zmin, zmax }) => {
    const bar = document.createElement("i");
    bar.style.background = `linear-gradient(to top, ${colorscale.map(([share, colour]) => `${colour} ${100 * share}%`)})`;
    bar.append(...(colorbar.ticktext ?? []).map((text, index) => {
      const tick = document.createElement("span");
      tick.textContent = text;
      tick.style.bottom = `${100 * (colorbar.tickvals[index] - zmin) / (zmax - zmin)}%`;
      return tick;
    }));
    return bar;
  }));
  plot.append(place);
}
