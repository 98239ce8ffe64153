// Hands the case over that somebody has taken on the page of a link (case_page), in this tab.
export default function ({ setTriggerValue }) {
  const text = sessionStorage.getItem("unmasked:case")
  if (!text) return
  sessionStorage.removeItem("unmasked:case")
  alone(() => setTriggerValue("taken", text))
}
