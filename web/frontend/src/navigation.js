// The menu of narrow screens, and drop-downs made of <details>.
document.addEventListener('click', (event) => {
  const toggle = event.target.closest('[data-menu-toggle]');
  if (toggle) showMenu(toggle, toggle.getAttribute('aria-expanded') !== 'true');
  if (!event.target.closest('dialog')) closeDropdowns(event.target.closest('details.dropdown'));
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const dropdown of document.querySelectorAll('details.dropdown[open]')) {
    const summary = dropdown.querySelector('summary');
    if (dropdown.contains(document.activeElement)) summary.focus();
    dropdown.open = false;
  }
  const toggle = document.querySelector('[data-menu-toggle][aria-expanded="true"]');
  if (!toggle) return;
  showMenu(toggle, false);
  toggle.focus();
});

function showMenu(toggle, open) {
  toggle.setAttribute('aria-expanded', String(open));
  document.getElementById(toggle.getAttribute('aria-controls')).classList.toggle('is-open', open);
}

function closeDropdowns(but) {
  for (const dropdown of document.querySelectorAll('details.dropdown[open]')) {
    if (dropdown !== but) dropdown.open = false;
  }
}
