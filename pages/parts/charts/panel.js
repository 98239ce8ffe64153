// The panel of a lesson: four charts of one run, played back epoch by epoch.

const PLAYBACK = 330; // milliseconds for all epochs of a finished run
const FOLLOWED = 500; // milliseconds after which a run that streams needs no playback
const BLANK = { data: [], layout: { margin: { l: 52, r: 18, t: 6, b: 36 }, xaxis: { visible: false }, yaxis: { visible: false } } };

class Panel extends Pictured {
  constructor(root) {
    super(root);
    this.choice = { picture: "data", prediction: "scatter", at: "predictions", view: "sequences" };
    this.sequence = 0;
    this.frame = 0;
    this.token = "";
    this.plots = Object.fromEntries(
      [...root.querySelectorAll(".lab-panel")].map((panel) => [panel.dataset.panel, panel.querySelector(".lab-plot")]));
    this.slider = root.querySelector(".lab-slider input");
    this.pick = root.querySelector(".lab-pick");
    for (const tabs of root.querySelectorAll(".lab-tabs")) tabs.onclick = (event) => this.choose(tabs, event.target);
    this.slider.oninput = () => { this.halt(); this.goTo(Number(this.slider.value)); };
    root.querySelector(".lab-play").onclick = () => this.play(Math.max(PLAYBACK, 60 * this.last));
    this.picks(this.pick.querySelector("input"));
    this.attend(root);
  }

  get last() { return this.run ? this.run.frames.epochs.length - 1 : 0; }

  async load(data) {
    if (window.DecompressionStream) return super.load(data); // browsers have it since 2023
    this.fail(new Error("this browser is too old"));
    return undefined;
  }

  async show(data) {
    this.data = data;
    this.tell(data.status);
    if (data.run) this.coming = { token: data.token, run: unpack(data.run) }; // it is shown again, without it
    if (!(await this.load(data)) || this.data !== data) return;
    if (data.picture !== this.pictured) {
      const picture = await unpack(data.picture);
      if (this.data !== data) return;
      this.pictured = data.picture;
      this.picture = picture;
    }
    const news = data.token !== this.token;
    if (news && data.token && data.token !== this.coming?.token) {
      this.send("resend", data.token); // the browser never got this run, or lost it
      return;
    }
    if (news) { // Streamlit shows the same data again whenever it likes
      const run = data.token ? await this.coming.run : undefined;
      if (this.data !== data) return;
      this.halt();
      this.run = run;
      this.frame = Math.min(this.frame, this.last); // a live run has one frame, and a theme change may redraw it
    }
    if (data.reveal && data.reveal !== this.revealed) this.root.scrollIntoView({ block: "start" });
    this.revealed = data.reveal;
    const ended = !data.status.live && data.token && this.token !== undefined && data.token !== this.token;
    const shade = JSON.stringify(data.shade ?? null);
    const shaded = shade !== this.shaded;
    this.shaded = shade;
    const wasLive = this.live && news && this.liveSince;
    this.token = data.token;
    this.live = data.status.live;
    if (!this.run) this.empty();
    else if (news) this.begin(wasLive);
    else if (shaded || this.blank) this.drawAll(); // Streamlit may end the panel before it shows it the same again
    this.drawPicture(this.blank);
    this.blank = false;
    this.stale(data.status.stale);
    if (this.live) this.hear(data);
    this.root.dataset.state = this.live ? "live" : this.run ? "done" : "empty";
    if (ended) setTimeout(() => this.inSight(), 100); // what stands above it is drawn at the same time
  }

  // All of a run that has ended, where the screen holds it, by the least scrolling.
  inSight() {
    if (this.root.offsetHeight < innerHeight - 60) this.root.scrollIntoView({ block: "nearest" });
  }

  // Until there is news: a small request, which the server leaves open as long as there is none. No script runs for it.
  async hear(data) {
    const { path, state } = data.news;
    const url = new URL(`${path}?state=${encodeURIComponent(state)}`, document.baseURI);
    const waits = () => this.data === data && this.root.isConnected;
    const pause = () => new Promise((resolve) => setTimeout(resolve, UNHEARD));
    for (let same = true; same && waits();) {
      try {
        const answer = await fetch(url, { cache: "no-store" });
        same = answer.ok && (await answer.text()) === state; // without content it knows this panel no more
        if (!answer.ok) await pause(); // whatever is wrong, the page's script is asked
      } catch { await pause(); } // the server is away: it is asked again
    }
    if (waits()) this.ask(data);
  }

  tell(status) {
    const words = this.root.querySelector(".lab-words");
    words.textContent = status.words;
    if (status.stale) {
      const warning = document.createElement("b");
      warning.textContent = ` ${status.stale}`;
      words.append(warning);
    }
    this.root.dataset.live = status.live;
    this.root.querySelector("progress").value = status.share;
  }

  fail(error) {
    this.root.querySelector(".lab-words").textContent = `The charts cannot be drawn: ${error.message}.`;
  }

  stale(words) {
    for (const panel of this.root.querySelectorAll(".lab-panel"))
      panel.classList.toggle("lab-stale", Boolean(words) && panel.dataset.panel !== "picture");
  }

  empty() {
    const words = {
      curve: "Press Run: loss and error appear here, epoch by epoch.",
      prediction: "Then predictions against the true labels.",
      gradient: "And the gradient of every step: blue on real steps, orange on padding, blank where it is exactly 0.",
    };
    for (const [name, text] of Object.entries(words)) {
      if (this.plots[name].querySelector(".lab-empty")) continue;
      this.paint(this.plots[name], BLANK, text); // to draw into what is there is faster than to draw anew
      const note = document.createElement("div");
      note.className = "lab-empty";
      note.textContent = text;
      this.plots[name].append(note);
    }
    showScales(this.plots.gradient, []);
    this.root.querySelector(".lab-slider").hidden = true;
  }

  // A new run has come, or more of one under way.
  begin(wasLive) {
    this.halt();
    const begun = performance.now();
    if (this.live) this.liveSince ??= performance.now();
    else this.liveSince = undefined;
    const shown = wasLive ? Number(this.root.dataset.epoch) : 0;
    // What trained too fast to be followed is played back, from where it was seen to be.
    const playback = !this.live && (!wasLive || performance.now() - wasLive < FOLLOWED);
    this.slider.max = this.last;
    this.root.querySelector(".lab-slider").hidden = this.last < 1;
    this.pick.querySelector("input").max = this.run.real.length - 1;
    this.sequence = Math.min(this.sequence, this.run.real.length - 1);
    this.offer();
    if (playback && this.last > 0 && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.frame = Math.max(this.run.frames.epochs.findIndex((epoch) => epoch >= shown), Math.min(1, this.last));
      this.playing = this.drawInTurn(() => this.play(PLAYBACK, this.frame, begun));
    } else {
      this.frame = this.last;
      this.playing = this.drawInTurn(() => { this.playing = undefined; });
    }
  }

  // The curve at once, the rest after the browser has shown it.
  drawInTurn(then) {
    this.drawCurve();
    this.label();
    return requestAnimationFrame(() => {
      this.drawPrediction();
      this.drawGradient();
      then();
    });
  }

  drawAll() {
    this.drawCurve();
    this.drawPrediction();
    this.drawGradient();
    this.label();
  }

  redraw() {
    if (!this.Plotly || !this.data || !this.picture) return;
    this.drawPicture(true);
    if (this.run) this.drawAll();
  }

  // `begun`: when its first frame was begun to be drawn. That counts, but for half of the time at most.
  play(duration, from = 0, begun = performance.now()) {
    this.halt();
    const start = Math.max(begun, performance.now() - duration / 2);
    let spent = 0; // milliseconds that drawing the frame before took
    const step = () => {
      const now = performance.now();
      const fits = now + 2 * spent < start + duration; // this frame, and the last one after it
      const share = fits ? (now - start) / duration : 1;
      this.goTo(Math.round(from + share * (this.last - from)), "playback");
      spent = performance.now() - now;
      this.playing = share < 1 ? requestAnimationFrame(step) : undefined;
    };
    this.playing = requestAnimationFrame(step);
  }

  goTo(frame, how) {
    if (frame === this.frame && how) return;
    this.frame = frame;
    this.slider.value = frame;
    this.updateCurve();
    this.updatePrediction();
    this.updateGradient();
    if (this.choice.picture === "attention") this.updateAttention();
    this.label(how);
  }

  label(how) {
    this.slider.value = this.frame;
    const epoch = this.run.frames.epochs[this.frame];
    this.root.dataset.epoch = epoch;
    const leak = this.run.frames.leak[this.choice.at][this.frame];
    const { starved } = this.run;
    this.root.querySelector(".lab-slider output").textContent = this.pictureLabel() ?? [
      `epoch ${epoch} of ${this.run.epochs}${how && this.frame < this.last ? ", playback" : ""}`,
      leak === null ? "no finite gradient" : `${Number((100 * leak).toPrecision(3))}% of the gradient on padding`,
      ...(starved ? [`${starved} real steps never got any`] : []),
    ].join(" · ");
  }

  choose(tabs, button) {
    if (button.tagName !== "BUTTON" || !this.run) return;
    this.press(tabs, button.dataset.value);
    this.drawPicture(true);
    this.drawPrediction();
    this.drawGradient();
    this.label();
  }

  // A field that takes the number of a sequence. What is none is let stand while one types, and no longer.
  picks(field) {
    field.oninput = () => this.select(field.valueAsNumber);
    field.onchange = () => { field.value = Math.min(this.sequence, field.max); };
  }

  select(sequence) {
    if (!this.run || !Number.isInteger(sequence) || sequence < 0 || sequence >= this.run.real.length) return;
    this.sequence = sequence;
    this.picked = true;
    this.pick.querySelector("input").value = sequence;
    const tabs = this.root.querySelector('[data-tabs="prediction"]');
    const kept = this.choice.prediction === "text" ? "text" : "sequence";
    this.choose(tabs, tabs.querySelector(`[data-value="${kept}"]`));
  }

  press(tabs, value) {
    this.choice[tabs.dataset.tabs] = value;
    delete this.wish[tabs.dataset.tabs];
    for (const button of tabs.children) button.setAttribute("aria-pressed", button.dataset.value === value);
    this.pick.hidden = this.choice.prediction === "scatter";
    this.offerPicks();
  }

  // --- drawing

  draw(name, figure, words) {
    const plot = this.plots[name];
    this.paint(plot, figure, words);
    if (plot.listens || !["picture", "gradient"].includes(name)) return;
    plot.listens = true;
    plot.on("plotly_click", (event) => {
      if (name === "gradient" || this.choice.picture === "data") this.select(Math.round(event.points[0].y));
    });
  }

  drawPicture(always) {
    if (this.choice.picture === "attention") return this.drawAttention();
    if (this.choice.picture === "reach") return this.drawReach();
    if (this.pictured === this.drawn && !always) return;
    this.drawn = this.pictured;
    this.draw("picture", this.picture, this.data.picture_words);
  }

  // What an epoch changes in a chart is [attributes, traces], as Plotly.restyle takes it: written into the traces
  // before the chart is drawn, which is one pass instead of two, and restyled after that.
  drawChanged(name, figure, words, change) {
    if (!change) return this.draw(name, figure, words);
    const data = figure.data.map((trace) => ({ ...trace }));
    const [attributes, indices] = change;
    for (const [attribute, values] of Object.entries(attributes)) indices.forEach((index, k) => { data[index][attribute] = values[k]; });
    return this.draw(name, { ...figure, data }, words);
  }

  restyle(name, change) {
    if (change) this.Plotly.restyle(this.plots[name], ...change);
  }

  drawCurve() {
    const { shade } = this.data;
    const band = shade?.epochs ? this.band(shade.epochs, "x", "paper") : undefined;
    const name = band && { text: shade.title, x: this.middle(shade.epochs), y: 0.405, yref: "paper", showarrow: false, yanchor: "middle", font: { size: 10.5 } };
    this.drawChanged("curve", this.marked(this.run.curve, band, undefined, name), this.run.words.curve, this.curveChange());
  }

  updateCurve() { this.restyle("curve", this.curveChange()); }

  // The curves up to the present epoch.
  curveChange() {
    const upTo = this.frame === this.last ? Infinity : this.run.frames.epochs[this.frame];
    const traces = [0, 1, 2, 3];
    const part = (trace, axis) => this.run.curve.data[trace][axis].filter((_, k) => this.run.curve.data[trace].x[k] <= upTo);
    return [{ x: traces.map((t) => part(t, "x")), y: traces.map((t) => part(t, "y")) }, traces];
  }

  drawPrediction() {
    if (this.choice.prediction === "text") return this.drawText();
    this.drawChanged("prediction", this.run[this.choice.prediction], this.run.words.prediction, this.predictionChange());
  }

  updatePrediction() { if (this.choice.prediction !== "text") this.restyle("prediction", this.predictionChange()); }

  predictionChange() {
    const { real, truth } = this.run;
    const predictions = this.frame === this.last ? this.run.predictions : this.run.frames.predictions[this.frame];
    if (this.choice.prediction === "scatter") return [{ y: [predictions.flatMap((row, i) => row.filter((_, j) => real[i][j]))] }, [0]];
    const row = real[this.sequence];
    const steps = row.map((_, j) => j);
    const hatch = this.hatched(row);
    return [{
      x: [hatch.x, steps.filter((j) => row[j]), steps],
      y: [hatch.y, truth[this.sequence].filter((_, j) => row[j]), predictions[this.sequence]],
    }, [0, 1, 2]];
  }

  hatched(row) {
    const [low, high] = this.run.words.span;
    const x = [], y = [];
    row.forEach((real, j) => {
      if (real) return;
      x.push(j - 0.5, j + 0.5, j + 0.5, j - 0.5, j - 0.5, null);
      y.push(low, low, high, high, low, null);
    });
    return { x, y };
  }

  drawGradient() {
    const epochs = this.choice.view === "epochs";
    const figures = epochs ? this.run.over : this.run.gradient;
    const figure = figures[this.choice.at] ?? figures.predictions;
    const { shade } = this.data;
    const band = epochs && shade?.epochs ? { ...this.band(shade.epochs, "y", "paper"), layer: "above" } : undefined;
    const border = epochs ? undefined : this.border(this.choice.at === "inputs" && this.run.frames.at.inputs ? this.run.real_inputs : this.run.real);
    const bare = { ...figure, data: unscaled(figure.data) };
    this.drawChanged("gradient", this.marked(bare, band, border), this.run.words.gradient, this.gradientChange());
    showScales(this.plots.gradient, figure.data, figure.layout.margin);
  }

  updateGradient() { this.restyle("gradient", this.gradientChange()); }

  gradientChange() {
    if (this.choice.view === "epochs") return undefined;
    const at = this.run.frames.at[this.choice.at] ? this.choice.at : "predictions";
    const real = at === "inputs" ? this.run.real_inputs : this.run.real;
    const z = this.run.frames.at[at][this.frame];
    const where = (test) => z.map((row, i) => row.map((value, j) => (test(value, real[i][j]) ? value : null)));
    const finite = (value) => value !== null && value !== NOT_FINITE;
    const bad = where((v) => v === NOT_FINITE).map((row) => row.map((v) => v && 1));
    const layers = [where((v, r) => r && finite(v)), where((v, r) => !r && finite(v)), bad];
    return [{ z: [...layers, z.map((row) => row.map(() => 0))], customdata: [[], [], [], this.cells(z, real)] }, [0, 1, 2, 3]];
  }

  // What the words of a cell are made of: kind, label, prediction, gradient.
  cells(z, real) {
    const predictions = this.frame === this.last && !this.live ? this.run.predictions : this.run.frames.predictions[this.frame];
    const three = (value) => (value === null || value === undefined ? "NaN" : Number(value.toPrecision(3)).toString());
    const size = (value) => (value === null ? "exactly 0" : value === NOT_FINITE ? "NaN" : (10 ** value).toPrecision(3));
    return z.map((row, i) => row.map((value, j) => [
      real[i][j] ? "real" : "padding", three(this.run.labels[i][j]), three(predictions[i][j]), size(value)]));
  }
}
