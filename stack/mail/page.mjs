import { templateOf } from './templates.mjs';

/** @typedef {import('./server.mjs').Message} Message */

const style = `
  :root { color-scheme: light dark; --line: #8884; --dim: #777; --accent: #3459d6; }
  @media (prefers-color-scheme: dark) { :root { --dim: #9a9a9a; --accent: #8fa8ff; } }
  * { box-sizing: border-box; }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; }
  header { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--line); }
  h1 { font-size: 1.3rem; margin: 0 0 .6rem; } h1 a { color: inherit; text-decoration: none; }
  p.dim, .dim { color: var(--dim); }
  a { color: var(--accent); }
  ul.messages { list-style: none; margin: 0; padding: 0; }
  ul.messages a { display: grid; grid-template-columns: minmax(10rem, 1fr) 2fr auto; gap: 1rem; padding: .7rem .25rem; border-bottom: 1px solid var(--line); color: inherit; text-decoration: none; }
  ul.messages a:hover, ul.messages a:focus-visible { background: #8881; }
  ul.messages span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 1.25rem 0; }
  dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
  article { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem; margin: 1.25rem 0; }
  article h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: inherit; }
  iframe { width: 100%; height: 28rem; border: 1px solid var(--line); border-radius: .5rem; background: white; }
  @media (max-width: 40rem) { ul.messages a { grid-template-columns: 1fr; gap: 0; } }
`;

/** @param {unknown} value */
const text = (value) => String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * @param {string} title
 * @param {string} body
 */
const page = (title, body) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(title)}</title><style>${style}</style></head>
<body>${body}</body>
</html>
`;

const head = (/** @type {string} */ right) =>
  `<header><h1><a href="/">Mail</a></h1><span class="dim">${right}</span></header>`;

/** @param {Message} message */
const recipients = (message) => message.to.join(', ');

/** @param {Message[]} messages newest first */
export function listPage(messages) {
  const shown = messages.slice(0, 200);
  const rows = shown.map(
    (message) => `<li><a href="/messages/${message.id}">
      <span>${text(recipients(message))}</span>
      <span>${text(message.subject)}</span>
      <time class="dim" datetime="${message.receivedAt}">${message.receivedAt.slice(0, 19).replace('T', ' ')}</time>
    </a></li>`,
  );
  const count = messages.length === 1 ? '1 message' : `${messages.length} messages`;
  const body =
    rows.length === 0
      ? '<p class="dim">Nothing yet. Mail that the local stack sends arrives here and nowhere else.</p>'
      : `<ul class="messages">${rows.join('')}</ul>`;
  return page(`Mail (${messages.length})`, head(`${count} · <a href="/messages.json">as JSON</a>`) + body);
}

/** @param {Message} message */
export function messagePage(message) {
  const template = message.templateId === null ? null : templateOf(message.templateId);
  const facts = [
    ['From', message.from],
    ['To', recipients(message)],
    ['Received', message.receivedAt],
    ...(template && message.templateId ? [['Template', `${template.name} (${message.templateId})`]] : []),
  ];
  const list = (/** @type {unknown[][]} */ pairs) =>
    `<dl>${pairs.map(([name, value]) => `<dt>${text(name)}</dt><dd>${text(value)}</dd>`).join('')}</dl>`;
  const data = Object.entries(message.data).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : value,
  ]);
  const fromTemplate = template
    ? `<article><h2>${text(template.subject)}</h2><p>${text(template.text)}</p>${data.length > 0 ? list(data) : ''}</article>`
    : '';
  const blocks = message.content.map(({ type, value }) =>
    type === 'text/html'
      ? `<iframe sandbox title="The message as HTML" srcdoc="${text(value)}"></iframe>`
      : `<article><pre>${text(value)}</pre></article>`,
  );
  return page(
    message.subject,
    `${head(`<a href="/messages/${message.id}.json">as JSON</a>`)}<h2>${text(message.subject)}</h2>${list(facts)}${fromTemplate}${blocks.join('')}`,
  );
}
