// Files to the upload route (intake/route.py): announced, then streamed, several at once; each can be cancelled.
// The page hears of each file that is there ("uploaded"), and is asked for a new token when the old one is too old.
const AT_ONCE = 3;
const MARGIN_MS = 20000;
const jobs = [];
const page = { data: null, goodUntil: 0, tell: null, list: null };

const size = (bytes) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB`
  : `${(bytes / 1e9).toFixed(2)} GB`);

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text; // never markup: names come from strangers
  return made;
}

function row(job) {
  const item = element("li", "", "");
  const button = element("button", "", "Cancel");
  button.type = "button";
  button.onclick = () => (job.ended ? forget(job) : cancel(job));
  const track = element("div", "track", "");
  track.setAttribute("role", "progressbar");
  track.setAttribute("aria-label", job.file.name);
  track.append(element("div", "bar", ""));
  item.append(element("span", "name", job.file.name), button, track, element("span", "said", ""));
  return item;
}

function show(job) {
  const share = job.file.size ? job.sent / job.file.size : 0;
  const track = job.item.querySelector(".track");
  track.setAttribute("aria-valuenow", Math.floor(100 * share));
  track.hidden = job.ended;
  job.item.querySelector(".bar").style.width = `${100 * share}%`;
  job.item.querySelector(".said").textContent = job.said || `${size(job.sent)} of ${size(job.file.size)}`;
  job.item.querySelector("button").textContent = job.ended ? "Close" : "Cancel";
  job.item.classList.toggle("failed", job.failed);
}

function end(job, said, failed) {
  Object.assign(job, { ended: true, said, failed });
  show(job);
  next();
}

function forget(job) {
  jobs.splice(jobs.indexOf(job), 1);
  job.item.remove();
}

function cancel(job) {
  if (job.request) job.request.abort();
  if (job.id) fetch(`${job.path}/${job.id}`, { method: "DELETE" }).catch(() => {});
  end(job, "Cancelled.", false);
}

function next() {
  const waiting = jobs.filter((job) => !job.begun && !job.ended);
  if (!waiting.length || !page.data) return;
  if (performance.now() > page.goodUntil - MARGIN_MS) {
    page.tell("renew", Date.now());
    return;
  }
  const running = jobs.filter((job) => job.begun && !job.ended).length;
  waiting.slice(0, Math.max(0, AT_ONCE - running)).forEach(begin);
}

async function begin(job) {
  job.begun = true;
  job.path = page.data.path;
  try {
    const body = JSON.stringify({ name: job.file.name, size: job.file.size });
    const answer = await fetch(job.path, { method: "POST", body });
    const told = await answer.json();
    job.id = told.id;
    if (job.ended) return cancel(job);
    if (answer.status === 403 && !job.again) return again(job);
    if (!answer.ok) return end(job, told.error, true);
    send(job);
  } catch (error) {
    if (!job.ended) end(job, "The server cannot be reached. Try again.", true);
  }
}

function again(job) {
  // the token is older than this page thinks: the next one will do
  Object.assign(job, { again: true, begun: false });
  page.goodUntil = 0;
  next();
}

function send(job) {
  const request = new XMLHttpRequest();
  job.request = request;
  request.open("PUT", `${job.path}/${job.id}`);
  request.upload.onprogress = (event) => {
    job.sent = event.loaded;
    show(job);
  };
  request.onload = () => {
    if (request.status !== 201) return end(job, reason(request.responseText), true);
    forget(job);
    page.tell("uploaded", job.id);
    next();
  };
  request.onerror = () => !job.ended && end(job, "The connection broke. Try again.", true);
  request.send(job.file);
}

function reason(text) {
  try {
    return JSON.parse(text).error;
  } catch (error) {
    return "The server refused the file.";
  }
}

function add(files) {
  for (const file of files) {
    const job = { file, sent: 0, said: "", ended: false, failed: false, begun: false };
    job.item = row(job);
    jobs.push(job);
    page.list.append(job.item);
    show(job);
    if (file.size > page.data.largest) {
      end(job, `${size(file.size)} is more than the ${page.data.limit} that are taken here.`, true);
    }
  }
  next();
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!page.data || page.data.path !== data.path) page.goodUntil = performance.now() + 1000 * data.seconds;
  Object.assign(page, { data, tell: setTriggerValue, list: parentElement.querySelector(".files") });
  page.list.replaceChildren(...jobs.map((job) => job.item));
  const zone = parentElement.querySelector(".zone");
  const input = parentElement.querySelector("input");
  parentElement.querySelector(".label").textContent = data.label;
  parentElement.querySelector(".hint").textContent = `or drop them here, up to ${data.limit} each`;
  input.setAttribute("aria-label", data.label);
  input.onchange = () => {
    add(input.files);
    input.value = "";
  };
  zone.ondragover = (event) => {
    event.preventDefault();
    zone.classList.add("over");
  };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    add(event.dataTransfer.files);
  };
  next();
}
