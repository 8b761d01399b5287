import { readRecipient, recordStep, type Recipient } from '../db/sessionSteps.ts';
import type { SessionType } from '../domain/session.ts';
import { MailRejectedError, type Mailer } from '../integrations/mailer.ts';
import { announce, type AnnounceDeps } from './announce.ts';
import { finalFailure } from './failures.ts';
import { queueWebhooks, type WebhookQueueDeps } from './webhooks/queue.ts';

interface NotifyDeps extends AnnounceDeps, WebhookQueueDeps {
  mailer: Mailer;
  /** Where the links in mails lead, without a slash at its end. */
  publicUrl: string;
}

/**
 * The third step: tells the owner's own systems, and the owner once the e-mail is confirmed, that the analysis is done,
 * without a word of what it says. Mail is sent at least once: an attempt that dies between sending and recording sends
 * again.
 */
export function createNotifyActivities(deps: NotifyDeps) {
  async function write({ email, username }: Recipient, sessionId: string, sessionType: SessionType): Promise<void> {
    try {
      await deps.mailer.sendAnalysisComplete({
        to: email,
        username,
        sessionId,
        sessionType,
        sessionUrl: `${deps.publicUrl}/v1/sessions/${sessionId}`,
      });
    } catch (error) {
      if (error instanceof MailRejectedError) throw finalFailure('Rejected', 'The mail service refused the message');
      throw error;
    }
  }

  return {
    async notify({ sessionId, sessionType }: { sessionId: string; sessionType: SessionType }): Promise<void> {
      const em = deps.database.asService();
      const recipient = await readRecipient(em, sessionId);
      if (recipient?.status !== 'notifying') return;
      // First, so that it does not wait for a mail service that is down.
      await queueWebhooks(deps, sessionId, 'analysis.completed');
      if (recipient.isConfirmed) await write(recipient, sessionId, sessionType);
      const event = await recordStep(em, {
        sessionId,
        from: ['notifying'],
        status: 'billing',
        step: 'notify',
        type: 'notified',
        progress: 0.85,
      });
      if (event !== null) await announce(deps, sessionId, event);
    },
  };
}
