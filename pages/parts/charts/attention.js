// Pictures of an attention and of what a model writes. A run has them at a few epochs: the panel's slider shows the last
// one taken up to its epoch, and at its end that of the trained model.
const BORDER = 4; // the place of the mask's border among the traces of an attention

class Pictured extends Marked {
  attend(root) {
    this.head = 0;
    this.wish = {};
    this.heads = root.querySelector(".lab-head");
    this.whose = root.querySelector(".lab-whose");
    this.heads.querySelector("input").oninput = (event) => { this.head = Number(event.target.value); this.drawPicture(true); };
    this.picks(this.whose.querySelector("input"));
  }

  get pictures() { return this.run?.pictures; }

  // The buttons of pictures that this run has; a choice that it has not falls back.
  offer() {
    const figures = this.pictures?.figures ?? {};
    for (const [name, value, back] of [["prediction", "text", "scatter"], ["picture", "attention", "data"], ["picture", "reach", "data"]]) {
      const tabs = this.root.querySelector(`[data-tabs="${name}"]`);
      tabs.querySelector(`[data-value="${value}"]`).hidden = !figures[value];
      if (!figures[value] && this.choice[name] === value) {
        this.press(tabs, back);
        this.wish[name] = value; // a run has none before its end
      } else if (figures[value] && this.wish[name] === value) {
        this.press(tabs, value);
      }
    }
    this.root.querySelector('[data-tabs="picture"]').hidden = !(figures.attention || figures.reach);
    if (this.pictures && !this.picked) { // one that has padding: sequences stand by their length
      this.sequence = Math.floor(this.run.real.length / 2);
      this.pick.querySelector("input").value = this.sequence;
    }
    const heads = this.pictures?.attention?.[0].length ?? 1;
    this.head = Math.min(this.head, heads - 1);
    Object.assign(this.heads.querySelector("input"), { max: heads - 1, value: this.head });
    this.offerPicks();
  }

  offerPicks() {
    const attention = this.choice.picture === "attention";
    this.whose.hidden = !attention;
    this.heads.hidden = !attention || this.pictures.attention[0].length < 2;
  }

  // The place of the picture that belongs to the slider's epoch.
  get shot() {
    const { epochs } = this.pictures;
    if (this.frame === this.last) return epochs.length - 1;
    const epoch = this.run.frames.epochs[this.frame];
    return Math.max(0, epochs.findLastIndex((taken) => taken <= epoch));
  }

  // Of which sequence: the pictures have the first ones only, where sequences are long.
  get row() { return Math.min(this.sequence, this.pictures.attention[0][0].length - 1); }

  shotWords() {
    const { epochs } = this.pictures;
    return this.shot === epochs.length - 1 ? "trained" : `before epoch ${epochs[this.shot]} of ${this.run.epochs}`;
  }

  pictureLabel() {
    if (!this.pictures) return undefined;
    if (this.choice.picture === "reach") return `trained · ${this.pictures.words.reach}`;
    if (this.choice.picture !== "attention") return undefined;
    const share = this.pictures.astray[this.shot];
    const where = this.pictures.future ? "padding or later tokens" : "padding";
    return [this.shotWords(), `sequence ${this.row}`, ...(this.heads.hidden ? [] : [`head ${this.head}`]),
      share === null ? "not finite" : `${Number((100 * share).toPrecision(3))}% of what real steps look at is ${where}`].join(" · ");
  }

  drawAttention() {
    this.drawn = undefined; // the data picture is not there any more
    const { figures, words } = this.pictures;
    this.whose.querySelector("input").value = this.row;
    this.whose.querySelector("input").max = this.pictures.attention[0][0].length - 1;
    const [changes, traces, border] = this.attentionChange();
    const data = figures.attention.data.map((trace, index) => (index === BORDER ? { ...trace, ...border } : trace));
    this.drawChanged("picture", { ...figures.attention, data }, words.attention, [changes, traces]);
  }

  updateAttention() { this.restyle("picture", this.attentionChange().slice(0, 2)); }

  // Weights at the slider's epoch: on what may be looked at, on what should not, not finite; words; the mask's border.
  attentionChange() {
    const { attention, attends, future } = this.pictures;
    const weights = attention[this.shot][this.head][this.row];
    const real = this.pictures.real[this.row];
    const astray = (q, k) => !real[k] || (future && k > q);
    const where = (test) => weights.map((row, q) => row.map((value, k) => (test(value, q, k) ? value : null)));
    const layers = [
      where((value, q, k) => value !== null && value > 0 && !astray(q, k)),
      where((value, q, k) => value !== null && value > 0 && astray(q, k)),
      weights.map((row) => row.map((value) => (value === null ? 1 : null))),
      weights.map((row) => row.map(() => 0)),
    ];
    const border = attends ? edges(attends[this.row]) : { x: [], y: [] };
    const said = weights.map((row, q) => row.map((value, k) => this.glance(value, q, k, real)));
    return [{ z: layers, customdata: [[], [], [], said] }, [0, 1, 2, 3], border];
  }

  // Who looks at whom, in words.
  glance(value, query, key, real) {
    const kind = (step) => `step ${step} (${real[step] ? "real" : "padding"})`;
    const share = value === null ? "NaN" : value === 0 ? "nothing" : `${Number((100 * value).toPrecision(3))}%`;
    const may = this.pictures.attends && (this.pictures.attends[this.row][query][key] ? "the mask lets it" : "the mask forbids it");
    const late = this.pictures.future && key > query ? ", which comes later" : "";
    return `${kind(query)} gives ${share} of its attention<br>to ${kind(key)}${late}${may ? `; ${may}` : ""}`;
  }

  drawReach() {
    this.drawn = undefined;
    this.draw("picture", this.pictures.figures.reach, this.pictures.words.reach);
  }

  // One text: the next tokens as they are, and below them what the model wrote, picture by picture.
  drawText() {
    const { text, vocabulary, figures } = this.pictures;
    const real = this.run.real[this.sequence], truth = this.run.truth[this.sequence];
    const written = text.map((shot) => shot[this.sequence]);
    const name = (id) => (id < 0 ? "" : vocabulary[id]);
    const trueRow = truth.map((id, j) => (real[j] ? name(id) : ""));
    const rows = [trueRow, ...written.map((row) => row.map(name))];
    const right = rows.map((row, i) => row.map((_, j) => (i && written[i - 1][j] >= 0 ? Number(row[j] === trueRow[j]) : 0)));
    const said = rows.map((row, i) => row.map((token, j) => token === "" ? "nothing is written here"
      : `step ${j}: ${i ? `it wrote ${token}, ${right[i][j] ? "right" : `the text has ${trueRow[j] || "ended"}`}` : `the text goes on with ${token}`}`));
    const words = `Sequence ${this.sequence}: the text is ${trueRow.filter(Boolean).join(" ")}; alone the trained model writes ${rows.at(-1).filter(Boolean).join(" ") || "nothing"}.`;
    const data = figures.text.data.map((trace) => (trace.texttemplate ? { ...trace, textfont: { color: this.ink() } } : trace));
    this.drawChanged("prediction", { ...figures.text, data }, words, [{ z: [right], text: [rows], customdata: [said] }, [0]]);
  }
}

// The border between True and False cells of a square mask, as edge_trace of lessons/figures/marks.py draws it.
function edges(mask) {
  const size = mask.length, x = [], y = [];
  const at = (row, column) => Boolean(mask[row]?.[column]);
  const line = (...ends) => { for (const [a, b] of ends) { x.push(a); y.push(b); } x.push(null); y.push(null); };
  for (let i = 0; i <= size; i++) {
    for (let j = 0; j <= size; j++) {
      if (i < size && at(i, j) !== at(i, j - 1)) line([j - 0.5, i - 0.5], [j - 0.5, i + 0.5]);
      if (j < size && at(i, j) !== at(i - 1, j)) line([j - 0.5, i - 0.5], [j + 0.5, i - 0.5]);
    }
  }
  return { x, y };
}
