/**
 * The templates that live at SendGrid, by their ids (X2), as far as the sink knows them: enough to read the message.
 * @type {Record<string, {name: string, subject: string, text: string}>}
 */
const templates = {
  'd-1234567890': {
    name: 'welcome',
    subject: 'Welcome to MindPeeker',
    text: 'Your account is ready. Open your first session whenever you like.',
  },
  'd-0987654321': {
    name: 'subscription_created',
    subject: 'Your subscription has begun',
    text: 'Thank you. Your new plan is active from now on.',
  },
  'd-1122334455': {
    name: 'analysis_complete',
    subject: 'The analysis of your session is ready',
    text: 'Your session has been analyzed. Sign in to read its result beside what chance alone would give.',
  },
};

/**
 * @param {string} id
 * @returns {{name: string, subject: string, text: string}}
 */
export const templateOf = (id) =>
  templates[id] ?? {
    name: 'unknown template',
    subject: `Template ${id}`,
    text: 'The sink does not know the words of this template.',
  };
