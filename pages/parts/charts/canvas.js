// What every chart needs: Plotly, the page's theme, a legend beside the title, a menu that saves it.

const UNHEARD = 1500; // milliseconds without an answer after which a chart asks again,
const PATIENCE = 6000; // and at most
const PRINT = { width: 1000, height: 620 }; // pixels of a saved figure; a PNG has twice as many

let plotly; // one promise for all panels of the page
function loadPlotly(url) {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(url, document.baseURI);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { plotly = undefined; reject(new Error("plotly.min.js could not be loaded")); };
    document.head.append(script);
  });
  return plotly;
}

class Canvas {
  constructor(root) {
    this.root = root;
    for (const panel of root.querySelectorAll(".lab-panel")) panel.querySelector("header").append(this.saver(panel));
    this.themes = new MutationObserver(() => this.redraw());
    this.darkness = matchMedia("(prefers-color-scheme: dark)");
    this.darkened = () => setTimeout(() => this.redraw(), 300);
  }

  // Follow the page's theme. To mount twice is to mount once.
  mount() {
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
    this.darkness.addEventListener("change", this.darkened);
  }

  // Let go of all that would outlive the chart, and draw no more: Plotly listens to the window.
  unmount() {
    this.data = undefined;
    this.halt();
    clearTimeout(this.asking);
    this.themes.disconnect();
    this.darkness.removeEventListener("change", this.darkened);
    for (const plot of this.root.querySelectorAll(".lab-plot")) {
      this.Plotly?.purge(plot);
      plot.listens = false; // what listened to it went with it
    }
    this.blank = true;
  }

  halt() { cancelAnimationFrame(this.playing); this.playing = undefined; }

  async load(data) {
    try {
      this.Plotly = await loadPlotly(data.plotly);
    } catch (error) {
      this.fail(error);
    }
    return this.Plotly;
  }

  // Ask for news. Streamlit sends what two components ask within a moment as one message and reruns the fragment of
  // one of them: the other gets no answer and asks again, later each time.
  ask(data, patience = UNHEARD) {
    this.send("tick", Date.now());
    if (this.live) this.expect(data, patience);
  }

  expect(data, patience) {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => { if (this.data === data && this.root.isConnected) this.ask(data, Math.max(patience, Math.min(2 * patience, PATIENCE))); }, patience);
  }

  // Draw Plotly's JSON into an element, `words` being its text alternative.
  paint(plot, figure, words) {
    plot.querySelector(".lab-empty")?.remove();
    this.legend(plot.parentElement.querySelector(".lab-legend"), figure.data);
    plot.setAttribute("aria-label", words ?? "");
    const traces = figure.data.map((trace) => ({ ...trace })); // Plotly.restyle writes into what it is given
    const drawn = this.Plotly.react(plot, traces, this.themed(figure.layout), { displayModeBar: false, responsive: true });
    return drawn.catch((error) => { if (plot._fullLayout) throw error; }); // else it was let go of before it was drawn
  }

  themed(layout) {
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(`--st-${name}`).trim();
    const line = colour("border-color");
    // Labels have room in our margins: to measure each, whether it has to be hidden, takes a third of a redraw.
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: false, ticklabeloverflow: "allow" };
    const themed = { ...layout, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { size: 11, ...layout.font, color: colour("text-color"), family: style.fontFamily },
      hoverlabel: { bgcolor: colour("secondary-background-color"), font: { color: colour("text-color") } } };
    for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) themed[key] = { ...axis, ...layout[key] };
    return themed;
  }

  // A menu that saves the figure as it stands, and shows its numbers.
  saver(panel) {
    const menu = document.createElement("details");
    menu.className = "lab-save";
    menu.innerHTML = '<summary title="Save this figure, or read its numbers">⤓</summary>';
    const title = panel.querySelector("header").firstChild.textContent.trim();
    menu.firstChild.setAttribute("aria-label", `${title ? `${title}: save` : "Save"} this figure, or read its numbers`);
    for (const format of ["png", "svg"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = format.toUpperCase();
      button.onclick = () => { menu.open = false; this.save(panel, format); };
      menu.append(button);
    }
    const numbers = document.createElement("button");
    numbers.type = "button";
    numbers.textContent = "Numbers";
    numbers.onclick = () => { menu.open = false; toggleNumbers(panel, this.titled(panel)); };
    menu.append(numbers);
    menu.addEventListener("keydown", (event) => { if (event.key === "Escape" && menu.open) { menu.open = false; menu.firstChild.focus(); } });
    menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) menu.open = false; });
    return menu;
  }

  // The figure as it is on the screen, with its title and legend, at the size of half a page and on a solid ground.
  save(panel, format) {
    const { data, layout } = panel.querySelector(".lab-plot");
    if (!this.Plotly || !data) return;
    const ground = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim();
    const title = { text: this.titled(panel), x: 0.02, font: { size: 18 } };
    const traces = data.map((trace) => ({ ...trace, ...(trace.colorbar && { showscale: true }), showlegend: Boolean(trace.name) && trace.type === "scatter" && trace.showlegend !== false }));
    const { l = 60, r = 30 } = layout.margin ?? {};
    const print = { ...layout, title, showlegend: true, legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" },
      margin: { l: l + 26, r: r + 16, t: 96, b: 80 }, paper_bgcolor: ground, plot_bgcolor: ground,
      font: { ...layout.font, size: 14 }, autosize: false, ...PRINT };
    const name = [location.pathname.split("/").pop(), new URLSearchParams(location.search).get("preset"), panel.dataset.panel];
    const filename = name.filter(Boolean).join("-") || "figure";
    this.Plotly.downloadImage({ data: traces, layout: print }, { format, filename, scale: format === "png" ? 2 : 1, ...PRINT });
  }

  // What a panel shows, in words.
  titled(panel) {
    const shown = [panel.querySelector("header").firstChild, ...panel.querySelectorAll('[aria-pressed="true"]')].map((part) => part.textContent.trim());
    if (panel.dataset.panel === "gradient") shown.push(`epoch ${this.root.dataset.epoch}`);
    return shown.filter(Boolean).join(" · ");
  }

  // A line of marks and names beside the title: Plotly's own legend would take a third of the chart.
  legend(place, traces) {
    const shown = traces.filter((trace) => trace.name && trace.showlegend !== false && trace.type === "scatter");
    place?.replaceChildren(...shown.map((trace) => {
      const entry = document.createElement("span");
      const mark = document.createElement("i");
      const colour = (trace.mode === "markers" ? trace.marker : trace.line).color;
      const point = trace.marker?.symbol === "circle-open" ? "ring" : "square";
      const kind = trace.fillpattern ? "hatch" : trace.mode === "markers" ? point : trace.line.dash ?? "solid";
      mark.className = `lab-mark lab-${kind}`;
      mark.style.setProperty("--mark", colour);
      if (kind === "square" && trace.marker.opacity) mark.style.opacity = trace.marker.opacity;
      entry.append(mark, trace.name);
      return entry;
    }));
  }
}
