const watches = new WeakMap()

class Watch {
  start() {
    if (this.timer) return
    this.shown = () => { if (!document.hidden) this.wait(0) }
    document.addEventListener("visibilitychange", this.shown)
    this.wait(this.data.every * Math.random()) // a class that came in at once does not ask at once
  }
  wait(milliseconds) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.ask(), milliseconds)
  }
  async ask() {
    const { path, state, every } = this.data
    try {
      const answer = await fetch(new URL(path, document.baseURI), { cache: "no-store" })
      const now = await answer.text()
      if (this.timer && answer.ok && now !== state) alone(() => this.send("news", now))
    } catch { /* the server is away: it is asked again */ }
    if (this.timer) this.wait(every)
  }
  end() {
    clearTimeout(this.timer)
    this.timer = null
    document.removeEventListener("visibilitychange", this.shown)
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  if (!watches.has(parentElement)) watches.set(parentElement, new Watch())
  const watch = watches.get(parentElement)
  watch.data = data
  watch.send = setTriggerValue
  watch.start()
  // Of two calls in quick succession Streamlit ends the first after it has made the second, which goes on.
  const turn = watch.turn = (watch.turn ?? 0) + 1
  return () => { if (watch.turn === turn) watch.end() }
}
