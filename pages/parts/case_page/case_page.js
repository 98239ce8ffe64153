// A case behind the # of the address: no server has seen it. It is unpacked and shown here, and goes to the server when
// somebody takes it.
const MOST = 200000 // letters: what is packed small may be large
const told = document.getElementById("told")
const titles = { model: "Model", loss: "Loss", settings: "Settings" }

async function unpacked(part) {
  const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0))
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader()
  const decoder = new TextDecoder()
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length > MOST) throw new Error("too long")
  }
}

function show(text) {
  const given = JSON.parse(text)
  const settings = Object.entries(given.settings ?? {}).map(([name, value]) => `${name} = ${value}`).join("\n")
  const shown = Object.entries({ model: given.model, loss: given.loss, settings }).filter(([, part]) => part)
  const elements = shown.flatMap(([name, part]) => {
    const title = document.createElement("h2"), body = document.createElement("pre")
    title.textContent = titles[name]
    body.textContent = String(part) // as text, whatever is in it
    body.tabIndex = 0
    return [title, body]
  })
  document.getElementById("parts").replaceChildren(...elements)
  told.textContent = "This is what the link carries. Nothing of it has run, and no server has seen it. Take what you trust."
  const take = document.getElementById("take")
  take.hidden = false
  take.onclick = () => {
    sessionStorage.setItem("unmasked:case", text)
    location.href = "./?page=your_case"
  }
}

function read() {
  const found = /^#case=([\w-]+)$/.exec(location.hash)
  const none = () => { told.textContent = "This link carries no case that can be read: it was cut short, or changed on the way." }
  return found ? unpacked(found[1]).then(show).catch(none) : none()
}

addEventListener("hashchange", read)
read()
