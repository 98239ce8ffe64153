export default function ({ data }) {
  const place = "Path=/; SameSite=Lax" + (location.protocol === "https:" ? "; Secure" : "")
  if (data.key) document.cookie = `${data.name}=${data.key}; Max-Age=31536000; ${place}`
  else if (data.forget) document.cookie = `${data.name}=; Max-Age=0; ${place}`
}
