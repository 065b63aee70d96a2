// Light or dark, before anything is painted: loaded as a classic script in the head, so it imports nothing.
// The choice is "light", "dark" or, when nothing is stored, what the system says.
(() => {
  const KEY = 'procession-theme';
  const system = matchMedia('(prefers-color-scheme: dark)');

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: follow the system
    }
  };
  const store = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // the choice holds until the next page
    }
  };
  const present = () => document.documentElement.dataset.bsTheme;
  const show = (theme) => {
    document.documentElement.dataset.bsTheme = theme;
    for (const button of document.querySelectorAll('[data-theme-switch]')) {
      button.setAttribute('aria-pressed', String(theme === 'dark'));
    }
  };
  const follow = () => show(stored() ?? (system.matches ? 'dark' : 'light'));

  follow();
  system.addEventListener('change', follow);
  addEventListener('storage', follow); // another tab
  document.addEventListener('DOMContentLoaded', follow);
  addEventListener('beforeprint', () => show('light')); // paper is white
  addEventListener('afterprint', follow);
  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-theme-switch]')) return;
    const next = present() === 'dark' ? 'light' : 'dark';
    store(next);
    show(next);
  });
})();
