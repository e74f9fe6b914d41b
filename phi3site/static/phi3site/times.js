// Moments in the reader's own words and time zone. The server writes UTC; the exact moment stays in
// the datetime attribute, and UTC on hover.
const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function localise(root) {
  for (const time of root.querySelectorAll("time[data-moment]")) {
    time.title = time.textContent;
    time.textContent = inFull.format(new Date(time.dateTime));
    delete time.dataset.moment; // once is enough
  }
}

export function initTimes() {
  localise(document);
  document.addEventListener("htmx:load", (event) => localise(event.target));
}
