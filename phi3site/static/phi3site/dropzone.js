// Drag and drop onto a file input: names what was chosen, and submits at once where the form asks
// for it (data-dropzone="submit"). Without it the input works as a plain file field.

function show(zone, files) {
  const list = zone.querySelector("[data-dropzone-files]");
  if (!list) return;
  list.replaceChildren(
    ...[...files].map((file) => {
      const item = document.createElement("li");
      item.textContent = file.name;
      return item;
    }),
  );
}

function chosen(zone, input) {
  show(zone, input.files);
  if (zone.dataset.dropzone === "submit" && input.files.length) input.form.requestSubmit();
}

export function initDropzones() {
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      const zone = event.target.closest?.("[data-dropzone]");
      if (!zone) return;
      event.preventDefault();
      zone.classList.toggle("is-over", name === "dragover");
      if (name !== "drop" || !event.dataTransfer.files.length) return;
      const input = zone.querySelector("input[type=file]");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  document.addEventListener("change", (event) => {
    const zone = event.target.closest?.("[data-dropzone]");
    if (zone && event.target.type === "file") chosen(zone, event.target);
  });
}
