import { accountExamples } from './accounts.ts';
import type { Examples } from './example.ts';
import { modelExamples } from './models.ts';
import { operationsExamples } from './operations.ts';
import { sessionExamples } from './sessions.ts';
import { webhookExamples } from './webhooks.ts';

/** An example or several of every route whose answer is JSON of its own making. */
export const examples: Examples = {
  ...accountExamples,
  ...sessionExamples,
  ...webhookExamples,
  ...modelExamples,
  ...operationsExamples,
};
