// One figure. While `live`, it asks for more.
class Chart extends Canvas {
  async show(data) {
    this.data = data;
    if (!(await this.load(data)) || this.data !== data) return;
    this.redraw();
    this.live = data.live;
    if (this.live) this.ask(data);
  }

  redraw() {
    if (!this.Plotly || !this.data) return;
    const plot = this.root.querySelector(".lab-plot");
    if (this.data.height) plot.style.height = `${this.data.height}px`;
    this.paint(plot, this.data.figure, this.data.words);
    this.follow(plot);
    if (this.data.cells) this.listen(plot);
    if (this.cursor) this.point(plot);
  }

  // As wide as its place, also where that gets its width later: Plotly looks at the window only.
  follow(plot) {
    this.sizes ??= new ResizeObserver(() => {
      const drawn = plot._fullLayout;
      if (this.data && drawn && Math.abs(plot.clientWidth - drawn.width) > 1) this.Plotly.Plots.resize(plot);
    });
    this.sizes.observe(plot);
  }

  unmount() {
    this.sizes?.disconnect();
    super.unmount();
  }

  // A heatmap whose cells can be chosen: by a click, or with arrow keys and Enter.
  listen(plot) {
    if (plot.listens) return;
    plot.listens = true;
    plot.tabIndex = 0;
    plot.on("plotly_click", (event) => this.open(Math.round(event.points[0].y), Math.round(event.points[0].x)));
    plot.addEventListener("keydown", (event) => this.key(plot, event));
    this.said = document.createElement("span");
    this.said.className = "lab-said";
    this.said.setAttribute("aria-live", "polite");
    plot.after(this.said);
  }

  key(plot, event) {
    const step = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key];
    if (event.key === "Enter" && this.cursor) this.open(...this.cursor);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // in presenter mode the arrows step through the presets
    const { z } = plot.data.find((trace) => trace.type === "heatmap");
    const within = (value, most) => Math.max(0, Math.min(most - 1, value));
    const [row, column] = this.cursor ?? [-step[0], -step[1]]; // the first key goes to the first cell
    this.cursor = [within(row + step[0], z.length), within(column + step[1], z[0].length)];
    this.point(plot);
  }

  // A frame around the cell under the keyboard's cursor, and its words.
  point(plot) {
    const [row, column] = this.cursor;
    const frame = { type: "rect", x0: column - 0.5, x1: column + 0.5, y0: row - 0.5, y1: row + 0.5, line: { width: 3, color: getComputedStyle(this.root).color } };
    this.Plotly.relayout(plot, { shapes: [frame] });
    const words = plot.data.find((trace) => trace.hovertemplate && trace.text)?.text[row]?.[column];
    if (words) this.said.textContent = words.replaceAll("<br>", ", ");
  }

  open(row, column) {
    this.send("cell", { row, column, at: Date.now() });
    this.expect(this.data, UNHEARD);
  }

  fail(error) { this.root.querySelector(".lab-plot").textContent = `The chart cannot be drawn: ${error.message}.`; }
}
