// Asks before an act that can't be undone: data-confirm on a form, hx-confirm on an htmx element.
// One native <dialog> in base.html serves both; the words come from the page.

function ask(question, action) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("[data-confirm-question]").textContent = question;
  dialog.querySelector("[value=yes]").textContent = action || "Yes, go on";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

export function initConfirm() {
  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target;
      const button = event.submitter;
      const question = button?.dataset.confirm ?? form.dataset.confirm;
      if (!question || form.dataset.confirmed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const word = button?.dataset.confirmAction ?? form.dataset.confirmAction ?? button?.innerText;
      if (!(await ask(question, word))) return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(button);
      delete form.dataset.confirmed;
    },
    true,
  );
  document.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    const element = event.detail.elt;
    if (await ask(event.detail.question, element.dataset.confirmAction ?? element.innerText)) {
      event.detail.issueRequest(true);
    }
  });
}
