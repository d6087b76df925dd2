// Keeps a page that shows what runs up to date, and adds the reader's own time beside UTC. Everything works without it.
(() => {
  "use strict";
  const localTimes = (root) => {
    const form = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
    for (const time of root.querySelectorAll("time[data-local]")) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime()) && at.getTimezoneOffset() !== 0) time.append(` (${form.format(at)})`);
      time.title = time.dateTime;
    }
  };
  localTimes(document);
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  // What a form was answered with stands at the form's address, where there is nothing to be read again.
  const told = main.querySelector(".told");
  if (told && main.dataset.live) history.replaceState(null, "", main.dataset.live);
  const stale = document.getElementById("stale");
  let asked = false;
  let again = false;
  // What somebody writes or chooses is theirs: the page waits until it is sent, or empty again.
  const isBusy = () =>
    [...main.querySelectorAll("textarea, input:not([type=hidden]):not([type=checkbox]), select")].some((field) =>
      field.tagName === "SELECT"
        ? [...field.options].some((option) => option.selected !== option.defaultSelected && option.index > 0)
        : field.value !== field.defaultValue,
    );
  const keepMarks = (fresh) => {
    for (const box of main.querySelectorAll("input[type=checkbox]")) {
      const same = `input[type=checkbox][name="${CSS.escape(box.name)}"][value="${CSS.escape(box.value)}"]`;
      const there = fresh.querySelector(same);
      if (there && box.checked !== box.defaultChecked) there.checked = box.checked;
    }
    for (const part of main.querySelectorAll("details[id]")) {
      const there = fresh.querySelector(`details[id="${CSS.escape(part.id)}"]`);
      if (there) there.open = part.open;
    }
  };
  const refresh = async () => {
    if (asked || isBusy()) { again = asked; return; }
    asked = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (isBusy()) return;
      localTimes(fresh);
      keepMarks(fresh);
      if (told) fresh.querySelector("h1")?.after(told);
      const focused = document.activeElement && document.activeElement.getAttribute("href");
      main.replaceChildren(...fresh.childNodes);
      document.title = page.title;
      if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
      stale.hidden = true;
    } catch {
      stale.hidden = false;
    } finally {
      asked = false;
      if (again) { again = false; refresh(); }
    }
  };
  const events = new EventSource("/console/events");
  events.addEventListener("changed", refresh);
  let lost = false;
  events.addEventListener("error", () => { lost = true; stale.hidden = false; });
  events.addEventListener("open", () => { stale.hidden = true; if (lost) { lost = false; refresh(); } });
  setInterval(refresh, 30000);
})();
