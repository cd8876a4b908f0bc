"use strict";
// Sends what a person does to the sandbox and keeps the page as the sandbox has it. No state of its own.

const { person, place, commands } = document.body.dataset;
let revision = Number(document.body.dataset.revision);
let thread = "";

const $ = (selector, root = document) => root.querySelector(selector);

async function act(name, body) {
  if (name !== "read") $("#banner").hidden = true;
  try {
    const response = await fetch(`/people/${encodeURIComponent(person)}/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const outcome = await response.json();
    const shown = outcome.error_shown || (response.ok || outcome.errors ? "" : outcome.error);
    if (shown) banner(shown);
    await refresh();
    return { ...outcome, ok: response.ok && !outcome.error_shown };
  } catch {
    banner("The sandbox does not answer.");
    return { ok: false };
  }
}

function banner(text) {
  $("#banner span").textContent = `⚠ ${text}`;
  $("#banner").hidden = false;
}

async function refresh() {
  const query = new URLSearchParams({ as: person, channel: place });
  const parts = await (await fetch(`/fragment?${query}`)).json();
  revision = parts.revision;
  show($("#sidebar"), parts.sidebar);
  const scroll = $("#main .scroll");
  const atEnd = scroll && scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  if (show($("#main"), parts.main) && atEnd) toEnd();
  const before = $("#modal form")?.dataset.hash;
  const next = new DOMParser().parseFromString(parts.modal, "text/html").querySelector("form")?.dataset.hash;
  if (before !== next) $("#modal").innerHTML = parts.modal; // what is being written in an open one stays
  times();
}

function show(target, markup) {
  if (target.shown === markup) return false;
  target.shown = markup;
  target.innerHTML = markup;
  return true;
}

function toEnd() {
  const scroll = $("#main .scroll");
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  else if (scroll) scroll.scrollTop = scroll.scrollHeight;
}

function times() {
  for (const time of document.querySelectorAll("time[data-ts]")) {
    const when = new Date(Number(time.dataset.ts) * 1000);
    time.textContent = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    time.title = when.toLocaleString();
  }
}

function confirmed(dialog) {
  if (!dialog) return Promise.resolve(true);
  const asked = JSON.parse(dialog);
  const box = $("#confirm");
  $("h2", box).textContent = asked.title.text;
  $("p", box).textContent = asked.text.text;
  $("[value=yes]", box).textContent = asked.confirm.text;
  $("[value=no]", box).textContent = asked.deny.text;
  $("[value=yes]", box).className = `button ${asked.style || "primary"}`;
  box.showModal();
  return new Promise((resolve) => {
    box.onclick = (event) => event.target.value && box.close(event.target.value);
    box.onclose = () => resolve(box.returnValue === "yes");
  });
}

async function press(element, value) {
  const { channel, ts, view, action, block, confirm } = element.dataset;
  if (!(await confirmed(confirm))) return;
  element.classList.add("busy");
  const target = view ? { view_id: view } : { channel_id: channel, ts };
  const given = value === "" || value === undefined ? {} : { value };
  await act("press", { ...target, action_id: action, block_id: block, ...given });
  element.classList.remove("busy");
}

function modalValues(form) {
  const values = {};
  for (const input of form.querySelectorAll("[data-input]")) {
    const block = input.dataset.input;
    const many = input.querySelectorAll("[data-many]");
    const field = input.querySelector("select, textarea, input:not([type=radio]), input:checked");
    values[block] = many.length ? [...many].filter((one) => one.checked).map((one) => one.value) : field?.value ?? "";
  }
  return values;
}

async function submit(form) {
  const outcome = await act("submit", { view_id: form.dataset.view, values: modalValues(form) });
  for (const input of form.querySelectorAll("[data-input]")) {
    const error = outcome.errors?.[input.dataset.input] ?? "";
    $(".error", input).textContent = error;
    input.classList.toggle("wrong", Boolean(error));
  }
  $(".failed", form).textContent = outcome.error_shown ?? "";
  $(".failed", form).hidden = !outcome.error_shown;
}

async function send(form) {
  const text = form.text.value.trim();
  if (!text) return;
  form.text.value = "";
  const [word, ...rest] = text.split(" ");
  const channel_id = form.dataset.channel;
  if (commands.split(" ").includes(word)) await act("command", { channel_id, command: word, text: rest.join(" ") });
  else if (word.startsWith("/")) banner(`${word} is not a valid command`);
  else await act("say", { channel_id, text, ...(thread ? { thread_ts: thread } : {}) });
  reply("", "");
  toEnd();
}

function reply(ts, author) {
  thread = ts;
  $("#replying").hidden = !ts;
  $("#replying b").textContent = author;
  if (ts) $("#composer input").focus();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-press], [data-close], [data-reply], [data-shortcut], #replying button, #banner button");
  if (!target) return;
  if (target.matches("[data-press]")) press(target, target.dataset.value);
  else if (target.matches("[data-close]")) act("close", { view_id: target.closest("form").dataset.view });
  else if (target.matches("[data-shortcut]")) {
    const { shortcut, channel, ts } = target.dataset;
    act("shortcut", { callback_id: shortcut, channel_id: channel, ts });
  } else if (target.matches("[data-reply]")) reply(target.dataset.reply, target.dataset.author);
  else if (target.closest("#replying")) reply("", "");
  else $("#banner").hidden = true;
});

document.addEventListener("change", (event) => {
  const group = event.target.closest("[data-choices]");
  if (event.target.matches("[data-choose]")) press(event.target, event.target.value);
  else if (group) {
    const chosen = [...group.querySelectorAll("input:checked")].map((one) => one.value);
    press(group, event.target.matches("[data-many]") ? chosen : chosen[0]);
  }
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.id === "composer") send(event.target);
  else if (event.target.matches(".modal")) submit(event.target);
});

async function watch() {
  try {
    const changes = await (await fetch("/changes")).json();
    const busy = document.activeElement?.closest("#main select, #main textarea, #main input");
    if (changes.revision !== revision && !busy) {
      await refresh();
      if (place && place !== "home") await act("read", { channel_id: place });
    }
  } catch {
    // The sandbox is gone or not there yet: look again.
  }
  setTimeout(watch, 1000);
}

times();
toEnd();
if (place === "home") act("home", {});
else if (place) act("read", { channel_id: place });
setTimeout(watch, 1000);
