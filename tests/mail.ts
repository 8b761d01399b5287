import { readConfig } from '../config.ts';
import { until } from './until.ts';

/** A mail as the sink keeps it. */
export interface SunkMail {
  subject: string;
  templateId: string | null;
  customArgs: { mail: string };
  data: { confirm_url?: string };
  content: { value: string }[];
}

/** The mails that were sent to this address, newest first. */
async function mailsTo(address: string): Promise<SunkMail[]> {
  const url = `${readConfig().SENDGRID_API_BASE}/messages.json?to=${encodeURIComponent(address)}`;
  return (await (await fetch(url)).json()) as SunkMail[];
}

/** Waits until the mails to this address are as they should be, and answers what was found in them. */
export function untilMailed<T>(address: string, find: (mails: SunkMail[]) => T | undefined): Promise<NonNullable<T>> {
  return until(async () => find(await mailsTo(address)));
}

/** The token of the newest link of this kind that was mailed to this address, once it has come. */
export function mailedToken(to: string, kind: string): Promise<string> {
  return untilMailed(to, (mails) => {
    const mail = mails.find(({ customArgs }) => customArgs.mail === kind);
    return /#([\w.-]+)/.exec(mail?.data.confirm_url ?? mail?.content[0]?.value ?? '')?.[1];
  });
}
