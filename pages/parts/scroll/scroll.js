export default function ({ data }) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches
  const find = (tries) => {
    const target = document.querySelector(`.st-key-${data.to}`)
    if (target) {
      target.style.scrollMarginTop = "4rem" // the page's header lies over its top
      target.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" })
    }
    else if (tries) setTimeout(find, 50, tries - 1)
  }
  if (window.unmaskedScrolled !== data.once) {
    window.unmaskedScrolled = data.once
    setTimeout(find, 200, 60)
  }
}
