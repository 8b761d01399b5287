import Bowser from 'bowser';
import { z } from 'zod';

/** The header by which a client names itself; it only names the log-in in its owner's list. */
export const agentHeadersSchema = z.object({
  'user-agent': z.string().optional().meta({ description: 'Names the log-in in the list of log-ins.' }),
});

/** What is longer says nothing more of a client. */
const readCharacters = 1_000;

/** What kind of client this is, such as "Firefox on Linux", and nothing by which one could be told from another. */
export function agentOf({ 'user-agent': header = '' }: z.output<typeof agentHeadersSchema>): string | null {
  if (header === '') return null;
  const { browser, os } = Bowser.parse(header.slice(0, readCharacters));
  const name = [browser.name, os.name].filter((part) => part !== undefined && part !== '').join(' on ');
  return name === '' ? null : name.slice(0, 100);
}
