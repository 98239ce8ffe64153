// The numbers of a figure as a table: for who cannot see it, and for who wants to read them off.

const said = (value) => (typeof value === "number" ? (Number.isFinite(value) ? Number(value.toPrecision(4)) : "NaN") : value ?? "");
const cell = (kind, text, scope) => {
  const made = document.createElement(kind);
  made.textContent = said(text);
  if (scope) made.scope = scope;
  return made;
};

// `head`: titles of the columns; `rows`: each begins with its own title.
function tableOf(caption, head, rows) {
  const table = document.createElement("table");
  const line = (cells) => { const row = document.createElement("tr"); row.append(...cells); return row; };
  table.createCaption().textContent = caption;
  table.createTHead().append(line(head.map((text) => cell("th", text, "col"))));
  table.createTBody().append(...rows.map(([title, ...texts]) => line([cell("th", title, "row"), ...texts.map((text) => cell("td", text))])));
  return table;
}

// Points: a row for each. Lines over the same axis: a row for each place of it.
function linesOf(traces, across, caption) {
  const [points] = traces.filter((trace) => trace.mode === "markers");
  if (points) return tableOf(caption, [across, points.name], [...points.x].map((x, index) => [x, points.y[index]]).sort(([a], [b]) => a - b));
  const places = [...new Set(traces.flatMap((trace) => [...trace.x]))].filter((x) => x !== null).sort((a, b) => a - b);
  const at = traces.map((trace) => new Map([...trace.x].map((x, index) => [x, trace.y[index]])));
  const rows = places.map((x) => [x, ...at.map((values) => values.get(x))]);
  return tableOf(caption, [across, ...traces.map((trace) => trace.name)], rows);
}

// A heatmap: where it has words for its cells these, without the place, which row and column say.
function cellsOf(trace, across, down, caption) {
  const words = (row, column) => {
    const text = trace.text?.[row]?.[column], told = trace.customdata?.[row]?.[column];
    if (text) return text.replace(/^sequence \d+, step \d+, /, "");
    if (told) return told[0] === "padding" ? `padding ${told.at(-1)}` : told.at(-1);
    return trace.z[row]?.[column];
  };
  const columns = [...(trace.z[0] ?? [])].map((_, column) => trace.x?.[column] ?? column);
  const rows = [...trace.z].map((_, row) => [trace.y?.[row] ?? row, ...columns.map((_, column) => words(row, column))]);
  return tableOf(caption, [`${down} \\ ${across}`, ...columns], rows);
}

// All tables of what a plot shows; `title` says what that is.
function tablesOf({ data, layout }, title) {
  const across = layout.xaxis?.title?.text ?? "", down = layout.yaxis?.title?.text ?? "";
  const heat = data.filter((trace) => trace.type === "heatmap" && trace.z?.length);
  const worded = heat.filter((trace) => trace.hovertemplate && (trace.text || trace.customdata)); // the layer that answers the mouse
  if (heat.length) return (worded.length ? worded : heat.filter((trace) => trace.name)).map((trace) => cellsOf(trace, across, down, [title, trace.name].filter(Boolean).join(" · ")));
  const lines = data.filter((trace) => trace.type === "scatter" && trace.name && trace.fill !== "toself" && trace.x?.length);
  return lines.length ? [linesOf(lines, across, title)] : [];
}

// Show or hide the tables below a plot.
function toggleNumbers(panel, title) {
  const shown = panel.querySelector(".lab-numbers");
  if (shown) return shown.remove();
  const plot = panel.querySelector(".lab-plot");
  if (!plot.data) return;
  const place = document.createElement("div");
  place.className = "lab-numbers";
  place.tabIndex = 0; // it scrolls
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", `The numbers: ${title}`);
  place.append(...tablesOf(plot, title));
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { place.remove(); panel.querySelector(".lab-save summary").focus(); }
    event.stopPropagation(); // arrows scroll it, and step through no presets
  });
  plot.after(place);
  place.focus();
}
