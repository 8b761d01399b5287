import { pageHeaders } from '../accounts/pages.ts';
import { plainRoute, type PlainRoute } from '../route.ts';
import { codecPath } from './codecCookies.ts';

/** The page on which an operator lets their browser open payloads. No password and no token stays in it. */

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Read payloads · MindPeeker</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/account/page.css">
</head>
<body>
<main>
<h1>Read encrypted payloads in the Temporal Web UI</h1>
<form data-session="${codecPath}/session">
<fieldset name="password">
<label>E-mail<input name="email" type="email" autocomplete="username" required></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required></label>
</fieldset>
<fieldset name="code" hidden disabled>
<label>Code of your authenticator app<input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="\\d{6}" required></label>
</fieldset>
<button>Let this browser read payloads for an hour</button>
</form>
<p role="status" aria-live="polite"></p>
<noscript>This page needs JavaScript.</noscript>
</main>
<script src="${codecPath}/page.js"></script>
</body>
</html>
`;

const script = `const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
const { password, code } = form.elements;
let challenge;

async function post(path, body, token) {
  const response = await fetch(path, {
    method: 'POST',
    headers: {
      ...(body ? { 'Content-Type': 'application/json' } : {}),
      ...(token ? { Authorization: 'Bearer ' + token } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return response.json();
}

function signIn(fields) {
  return challenge === undefined
    ? post('/v1/auth/login', fields)
    : post('/v1/auth/login/second-factor', { challenge, ...fields });
}

function askForCode(details) {
  challenge = details.find((detail) => detail.path === 'challenge').message;
  password.hidden = password.disabled = true;
  code.hidden = code.disabled = false;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const signedIn = await signIn(Object.fromEntries(new FormData(form)));
    const answer = signedIn.success ? await post(form.dataset.session, undefined, signedIn.data.accessToken) : signedIn;
    status.textContent = [answer.message, answer.error?.help].filter(Boolean).join(' ');
    if (answer.success) form.hidden = true;
    if (answer.error?.code === 'second_factor_required') askForCode(answer.error.details);
  } catch {
    status.textContent = 'That did not get through. Try again in a moment.';
  }
  button.disabled = false;
});
`;

const parts = [
  [codecPath, 'The page that lets a browser open payloads', 'text/html; charset=utf-8', page],
  [`${codecPath}/page.js`, 'The script of that page', 'text/javascript; charset=utf-8', script],
] as const;

export const codecPages: PlainRoute[] = parts.map(([path, summary, contentType, text]) =>
  plainRoute({ path, tag: 'Operations', summary, contentType, headers: pageHeaders, render: () => text }),
);
