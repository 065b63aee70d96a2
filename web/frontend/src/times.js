// <time datetime="..." data-ago>5 minutes ago</time>: the words age with the page.
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

// From this distance on, count in this unit: the same steps as the server's.
const STEPS = [
  { least: 60 * DAY_MS, unit: 30 * DAY_MS, name: 'month' },
  { least: DAY_MS, unit: DAY_MS, name: 'day' },
  { least: HOUR_MS, unit: HOUR_MS, name: 'hour' },
  { least: MINUTE_MS, unit: MINUTE_MS, name: 'minute' },
];
const words = new Intl.RelativeTimeFormat('en');

function distance(ms) {
  const step = STEPS.find(({ least }) => Math.abs(ms) >= least);
  if (!step) return ms > 0 ? 'in less than a minute' : 'just now';
  return words.format(Math.trunc(ms / step.unit), step.name);
}

function renew() {
  const now = Date.now();
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const text = distance(Date.parse(time.dateTime) - now);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(renew, MINUTE_MS / 2);
document.addEventListener('visibilitychange', renew);
