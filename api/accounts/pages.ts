import { plainRoute, type PlainRoute } from '../route.ts';

/**
 * The pages that mails lead to. Opening one does nothing: mail scanners open every link, so it takes a click. The token of
 * a link stands behind the `#`, which no browser sends to a server, and leaves the page in the body of a POST alone.
 */

/** What the pages of the gateway are served with: they load, and speak to, nothing but the gateway. */
export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // The icon that is none, without which a browser asks for one.
    'img-src data:',
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'public, max-age=300',
};

interface Page {
  title: string;
  /** What the form is sent to. */
  path: string;
  /** Whether it does nothing without the token of a link. */
  needsToken: boolean;
  /** What stands above the fields. */
  intro: string;
  fields: string;
  button: string;
  /** What stands below the form until it has done what it is for. */
  below: string;
}

const page = ({ title, path, needsToken, intro, fields, button, below }: Page) =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · MindPeeker</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/account/page.css">
</head>
<body>
<main>
<p class="brand">MindPeeker</p>
<h1>${title}</h1>
<form data-path="${path}"${needsToken ? ' data-needs-token' : ''}>
<p>${intro}</p>
${fields}<button>${button}</button>
</form>
<p role="status" aria-live="polite"></p>
${below}<noscript>This page needs JavaScript.</noscript>
</main>
<script src="/account/page.js"></script>
</body>
</html>
`;

const confirmPage = page({
  title: 'Confirm your e-mail',
  path: '/v1/auth/confirm',
  needsToken: true,
  intro: 'Confirm that this e-mail is yours, and we write to you about your sessions.',
  fields: '',
  button: 'Confirm',
  below: '',
});

const resetPage = page({
  title: 'Choose a new password',
  path: '/v1/auth/password/reset',
  needsToken: true,
  intro: 'A new password ends every log-in, here and elsewhere. You sign in with it afterwards.',
  fields: `<label>New password, at least 12 characters
<input name="newPassword" type="password" autocomplete="new-password" minlength="12" maxlength="200" required data-called="This password">
</label>
`,
  button: 'Set the password',
  below: '<p class="below"><a href="/account/forgot">Have another link sent</a></p>\n',
});

const forgotPage = page({
  title: 'Forgot your password?',
  path: '/v1/auth/password/forgot',
  needsToken: false,
  intro: 'We send you a link by which you choose another one.',
  fields: `<label>The e-mail of your account
<input name="email" type="email" autocomplete="username" maxlength="255" required data-called="This e-mail">
</label>
`,
  button: 'Send me a link',
  below: '',
});

const style = `:root { color-scheme: light dark; }
body { font: 17px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 26rem; margin: 12vh auto 0; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.3; font-weight: 600; margin: 0 0 .75rem; }
.brand { margin: 0 0 .5rem; opacity: .75; }
fieldset { border: 0; margin: 0; padding: 0; }
label { display: block; margin-bottom: 1rem; }
input { display: block; width: 100%; box-sizing: border-box; margin-top: .35rem; }
input, button { font: inherit; padding: .6rem .9rem; border: 1px solid #8888; border-radius: .4rem; }
button { background: #3459d6; border-color: #3459d6; color: #fff; cursor: pointer; }
button:disabled, [aria-busy=true] button { opacity: .6; cursor: default; }
:focus-visible { outline: 3px solid #6f8cf5; outline-offset: 2px; }
`;

const script = `const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
if (token === '' && 'needsToken' in form.dataset) {
  form.hidden = true;
  status.textContent = 'Something is missing from this link. Open it from the mail once more.';
}
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  // Not by disabling the button, which would take the focus from whoever uses the keyboard.
  if (form.ariaBusy === 'true') return;
  form.ariaBusy = 'true';
  status.textContent = '';
  try {
    const response = await fetch(form.dataset.path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...(token && { token }), ...Object.fromEntries(new FormData(form)) }),
    });
    const { success, message, error } = await response.json();
    const details = (error?.details ?? []).map(({ path, message }) => [form.elements[path]?.dataset.called, message]);
    const said = details.filter(([called]) => called).map((words) => words.join(' ') + '.');
    status.textContent = said.join(' ') || message;
    if (success) for (const done of document.querySelectorAll('form, .below')) done.hidden = true;
  } catch {
    status.textContent = 'That did not get through. Try again in a moment.';
  }
  form.ariaBusy = 'false';
});
`;

const parts = [
  ['/account/confirm', 'The page that confirms an e-mail', 'text/html; charset=utf-8', confirmPage],
  ['/account/reset', 'The page that sets a new password', 'text/html; charset=utf-8', resetPage],
  ['/account/forgot', 'The page that asks for a link to choose a new password', 'text/html; charset=utf-8', forgotPage],
  ['/account/page.css', 'The style of these pages', 'text/css; charset=utf-8', style],
  ['/account/page.js', 'The script of these pages', 'text/javascript; charset=utf-8', script],
] as const;

export const accountPages: PlainRoute[] = parts.map(([path, summary, contentType, text]) =>
  plainRoute({ path, tag: 'Accounts', summary, contentType, headers: pageHeaders, render: () => text }),
);
