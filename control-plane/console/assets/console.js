// What the pages can do with a script that they cannot do without one: copy, tell times in
// the reader's words, search while one types, and take a file that is dropped.

const root = document.documentElement;
const chinese = root.lang.startsWith("zh");
const say = (en, zh) => (chinese ? zh : en);

/** Tells it to screen readers. */
function tell(text) {
  const told = document.getElementById("told");
  if (told) told.textContent = text;
}

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat(root.lang, { numeric: "auto" });
const compact = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const exact = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "long" });

function words(seconds) {
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  return relative.format(Math.trunc(seconds / length), unit);
}

/** Says each moment as how long ago it is, the exact one in local time on hover. */
function tellTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.textContent = time.closest("[data-exact]") ? compact.format(at) : words((at - Date.now()) / 1000);
    time.title = `${exact.format(at)}\n${time.dateTime}`;
  }
}

/** Shows the buttons that copy: without a script they would do nothing. */
function offerCopies(within) {
  for (const button of within.querySelectorAll("button[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = say("Copied", "已复制");
  } catch {
    button.textContent = say("Select it and copy by hand", "请手动选择并复制");
  }
  tell(button.textContent);
  setTimeout(() => { button.textContent = label; }, 2000);
}

/** Hides fields that belong to a choice which is not made. */
function followChoices(form) {
  const data = new FormData(form);
  for (const part of form.querySelectorAll("[data-shown-by]")) {
    const [name, value] = part.dataset.shownBy.split("=");
    part.hidden = data.get(name) !== value;
  }
}

let asked = 0;

/** Reads a page of ours. The browser itself makes a document of the answer, which runs nothing. */
function read(url, method = "GET", body = null) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "document";
    request.onload = () => (request.response ? done(request.response) : fail(new Error("no page")));
    request.onerror = () => fail(new Error("no answer"));
    request.send(body);
  });
}

/** Reads the page that a form or link leads to, and puts its results in place of these. */
async function refresh(url) {
  const number = ++asked;
  const results = document.getElementById("results");
  results.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => tell(say("The list is being read…", "正在读取列表……")), 1000);
  try {
    const fresh = (await read(url)).getElementById("results");
    // An older answer may come later than a younger one, and a login is no result.
    if (number !== asked) return;
    if (!fresh) { location.assign(url); return; }
    results.replaceWith(document.adoptNode(fresh));
    history.replaceState(null, "", url);
    ready(fresh);
    const count = fresh.querySelector(".pager-count");
    if (count) tell(count.textContent.trim());
  } catch {
    if (number === asked) location.assign(url);
  } finally {
    clearTimeout(slow);
    if (number === asked) document.getElementById("results")?.removeAttribute("aria-busy");
  }
}

function liveUrl(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
  return `${form.getAttribute("action")}?${query}`;
}

function live(form) {
  let waiting;
  form.addEventListener("input", (event) => {
    if (!event.target.matches("input[type=search]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh(liveUrl(form)), 250);
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submits]")) form.requestSubmit();
  });
}

async function take(area, file) {
  if (file.size > 1048576) {
    tell(say("The file is larger than a kubeconfig: 1 MiB at most.", "文件过大：最多 1 MiB。"));
    return;
  }
  area.value = await file.text();
  tell(say(`${file.name} was read.`, `已读取 ${file.name}。`));
}

/** Takes a file that is dropped on, or chosen for, a text area. */
function takeFiles(area) {
  for (const kind of ["dragenter", "dragover"]) {
    area.addEventListener(kind, (event) => { event.preventDefault(); area.classList.add("dropping"); });
  }
  for (const kind of ["dragleave", "drop"]) area.addEventListener(kind, () => area.classList.remove("dropping"));
  area.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    take(area, file);
  });
  const chooser = document.getElementById(area.dataset.file);
  if (!chooser) return;
  chooser.closest("[hidden]").hidden = false;
  chooser.addEventListener("change", () => { if (chooser.files[0]) take(area, chooser.files[0]); });
}

/** Sends a form whose answer is shown below it, and takes that out of the page that comes. */
async function send(form) {
  const place = document.getElementById(form.dataset.into);
  place.replaceChildren();
  place.setAttribute("aria-busy", "true");
  try {
    const fresh = (await read(form.action, form.method, new URLSearchParams(new FormData(form)))).getElementById(form.dataset.into);
    // Another page, as that of the login, is shown whole.
    if (fresh) place.replaceChildren(...fresh.childNodes);
    else form.submit();
  } catch {
    place.textContent = say("There is no answer. Send it again.", "没有收到应答，请重新发送。");
  }
  place.removeAttribute("aria-busy");
}

function ready(within) {
  tellTimes(within);
  offerCopies(within);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) { copy(button); return; }
  const link = event.target.closest("#results a[data-refresh]");
  if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    refresh(link.getAttribute("href"));
  }
});

ready(document);
for (const form of document.querySelectorAll("form")) {
  if (form.querySelector("[data-shown-by]")) {
    followChoices(form);
    form.addEventListener("change", () => followChoices(form));
  }
  if (form.dataset.live !== undefined) live(form);
}
document.addEventListener("submit", (event) => {
  if (event.target.dataset.into !== undefined) {
    event.preventDefault();
    send(event.target);
  } else if (event.target.dataset.download === undefined) {
    // A page is coming, in its time.
    event.submitter?.setAttribute("aria-busy", "true");
  }
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});
for (const area of document.querySelectorAll("textarea[data-file]")) takeFiles(area);
setInterval(() => tellTimes(document), 60000);

// A page that shows a secret is not to be had again: its address becomes that of another one,
// and leaving it takes the secret out of what the browser keeps for the way back.
const secret = document.querySelector("[data-forget]");
if (secret) {
  history.replaceState(null, "", secret.dataset.forget);
  addEventListener("pagehide", () => secret.remove());
}

// A link to one call of the reference opens it.
const wanted = location.hash && document.getElementById(location.hash.slice(1));
if (wanted instanceof HTMLDetailsElement) wanted.open = true;
