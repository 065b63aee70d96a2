// Every page: styles, htmx, small behaviours, and the islands that the page shows.
import './app.css';
import 'htmx.org';
import './requests.js';
import './navigation.js';
import './confirm.js';
import './times.js';
import './islands.js';
