// What a finding marks in the charts of a run: a band over its epochs, a border around its cells.
class Marked extends Canvas {
  marked(figure, band, border, name) {
    const { layout, data } = figure;
    return { data: border ? [...data, border] : data, layout: { ...layout,
      shapes: [...(layout.shapes ?? []), ...(band ? [band] : [])], annotations: [...(layout.annotations ?? []), ...(name ? [name] : [])] } };
  }

  band([first, last], axis, across) {
    const colour = this.ink();
    const other = axis === "x" ? "y" : "x";
    return { type: "rect", layer: "below", fillcolor: colour, opacity: 0.1, line: { width: 0 },
      [`${axis}0`]: first, [`${axis}1`]: last, [`${other}0`]: 0, [`${other}1`]: 1, [`${other}ref`]: across };
  }

  // Where the name of a band stands: in its middle, but not so far out that the chart cuts it off.
  middle([first, last]) {
    const epochs = this.run.epochs;
    return Math.max(0.3 * epochs, Math.min(0.7 * epochs, (first + last) / 2));
  }

  border(real) {
    const { shade } = this.data;
    if (!shade?.border || shade.grid[0] !== real.length || shade.grid[1] !== real[0].length) return undefined;
    return { ...shade.border, name: "the finding", line: { ...shade.border.line, color: this.ink() } };
  }

  ink() { return getComputedStyle(this.root).getPropertyValue("--st-text-color").trim(); }
}
