// A screen reader says what changes in a region that stood there before: it is made first, and filled a moment later.
const HIDDEN = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap"
const LATER = 300 // milliseconds

export default function ({ parentElement, data }) {
  let region = parentElement.querySelector("[role=status]")
  if (!region) {
    region = document.createElement("div")
    region.setAttribute("role", "status")
    region.setAttribute("aria-live", "polite")
    region.style.cssText = HIDDEN
    parentElement.append(region)
  }
  clearTimeout(region.due)
  region.due = setTimeout(() => { if (region.textContent !== data.words) region.textContent = data.words }, LATER)
}
