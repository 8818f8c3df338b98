// Lets the reader of the API reference make a call as who is logged in.

const chinese = document.documentElement.lang.startsWith("zh");

function pre(text) {
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.textContent = text;
  return pre;
}

/** Returns the answer's body as text that can be read. */
async function read(answer) {
  const text = await answer.text();
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  for (const input of form.querySelectorAll("input[data-in]")) {
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.in === "query" && input.value !== "") query.append(input.name, input.value);
    else if (input.dataset.in === "header" && input.value !== "") headers[input.name] = input.value;
  }
  const url = query.size > 0 ? `${path}?${query}` : path;
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  const method = form.dataset.try.toUpperCase();
  const place = form.querySelector(".answer");
  place.replaceChildren();
  try {
    const answer = await fetch(url, {
      method,
      credentials: "same-origin",
      redirect: "manual",
      headers,
      body: method === "GET" ? undefined : body || undefined,
    });
    const line = document.createElement("p");
    const status = document.createElement("strong");
    status.textContent = answer.type === "opaqueredirect" ? (chinese ? "重定向" : "a redirect") : `${answer.status} ${answer.statusText}`;
    line.append(`${method} ${url} → `, status);
    place.append(line, pre(await read(answer)));
  } catch (error) {
    place.append(pre(String(error)));
  }
}

for (const form of document.querySelectorAll("form[data-try]")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

// A link to one call opens it.
const wanted = location.hash && document.getElementById(location.hash.slice(1));
if (wanted instanceof HTMLDetailsElement) wanted.open = true;
