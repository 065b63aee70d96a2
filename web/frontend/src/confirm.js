// <button data-confirm="Cancel this instance?"> (or a form): asks before the form is sent.
// data-confirm-label is what the dialog's own button says; the default is the pressed button's text.
const confirmed = new WeakSet();

document.addEventListener(
  'submit',
  (event) => {
    const { target: form, submitter } = event;
    const asking = submitter?.closest('[data-confirm]') ?? form.closest('[data-confirm]');
    if (!asking || !isNeeded(asking.dataset.confirmWhenOff, form) || confirmed.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(asking.dataset.confirm, asking.dataset.confirmLabel ?? submitter?.textContent.trim() ?? 'Yes').then((yes) => {
      if (!yes) return submitter?.focus();
      confirmed.add(form);
      form.requestSubmit(submitter);
    });
  },
  { capture: true },
);

/** data-confirm-when-off names a checkbox: only what switches it off is asked about. */
function isNeeded(checkbox, form) {
  return !checkbox || !form.elements.namedItem(checkbox).checked;
}

/** Ask a question in a modal dialog; resolves to whether the person agreed. */
function ask(question, label) {
  const dialog = element('dialog', 'confirm');
  const text = element('p', 'mb-3', question);
  text.id = 'confirm-question';
  dialog.setAttribute('aria-labelledby', text.id);
  const form = element('form', 'd-flex gap-2 justify-content-end');
  form.method = 'dialog';
  form.append(button('', 'btn btn-outline-secondary', 'No, go back'), button('yes', 'btn btn-danger', label));
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}

function button(value, className, text) {
  const made = element('button', className, text);
  made.value = value;
  return made;
}

function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
