import { errorTable } from '../domain/errors.ts';

/** `docs/errors.md`, made from the one table of errors. */
export function errorPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { status, retryable, message, help }]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${message} | ${help} |`,
  );
  return `# Errors

Every error that the API answers. The code is stable: switch on it, not on the message. "Again" says whether the same call can succeed later. This page is made from \`domain/errors.ts\` by \`npm run docs\`.

| code | status | again | what happened | what to do |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
