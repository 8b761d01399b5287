/**
 * What SendGrid's `POST /v3/mail/send` checks of a message, with its own words where they are known, so that a message
 * that the sink takes is one that SendGrid takes.
 * @typedef {{message: string, field: string | null, help: string | null}} MailError
 */

const addressPattern = /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$|^[^\s@<>]+@localhost$/;
const templatePattern = /^d-[A-Za-z0-9-]+$/;
const mostRecipients = 1_000;

const known = new Set(
  [
    'personalizations,from,reply_to,reply_to_list,subject,content,attachments,template_id,headers,categories,custom_args',
    'send_at,batch_id,asm,ip_pool_name,mail_settings,tracking_settings,sections',
  ].flatMap((names) => names.split(',')),
);
const knownInPersonalization = new Set(
  'to,cc,bcc,from,subject,headers,substitutions,dynamic_template_data,custom_args,send_at'.split(','),
);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === 'string' && value.trim() !== '';

/**
 * @param {unknown} body
 * @returns {MailError[]} empty when the message is sound
 */
export function mailErrors(body) {
  /** @type {MailError[]} */
  const errors = [];
  const refuse = (/** @type {string} */ message, /** @type {string | null} */ field = null) =>
    errors.push({ message, field, help: null });
  if (!isObject(body)) {
    refuse('Bad Request');
    return errors;
  }

  const checkAddress = (/** @type {unknown} */ value, /** @type {string} */ field) => {
    if (!isObject(value)) refuse('The address must be an object with an email.', field);
    else if (!isText(value.email)) refuse('The email address is required.', `${field}.email`);
    else if (!addressPattern.test(value.email)) {
      refuse('Does not contain a valid address.', `${field}.email`);
    } else if (value.name !== undefined && typeof value.name !== 'string')
      refuse('The name must be a string.', `${field}.name`);
  };

  for (const name of Object.keys(body)) if (!known.has(name)) refuse(`Unknown field ${name}.`, name);
  if (body.from === undefined)
    refuse(
      'The from object must be provided for every email send. It is an object that requires the email parameter.',
      'from',
    );
  else checkAddress(body.from, 'from');
  if (body.reply_to !== undefined) checkAddress(body.reply_to, 'reply_to');

  const personalizations = body.personalizations;
  if (!Array.isArray(personalizations) || personalizations.length === 0) {
    refuse('The personalizations field is required and must have at least one personalization.', 'personalizations');
  } else if (personalizations.length > mostRecipients) {
    refuse(`There can be at most ${mostRecipients} personalizations.`, 'personalizations');
  } else {
    personalizations.forEach((one, index) => {
      const at = `personalizations.${index}`;
      if (!isObject(one)) {
        refuse('A personalization must be an object.', at);
        return;
      }
      for (const name of Object.keys(one))
        if (!knownInPersonalization.has(name)) refuse(`Unknown field ${name}.`, `${at}.${name}`);
      /** @type {Set<string>} */
      const seen = new Set();
      for (const list of ['to', 'cc', 'bcc']) {
        const addresses = one[list];
        if (addresses === undefined && list !== 'to') continue;
        if (!Array.isArray(addresses) || addresses.length === 0) {
          refuse(
            `The ${list} array is required for all personalization objects, and must have at least one email object with a valid email address.`,
            `${at}.${list}`,
          );
          continue;
        }
        addresses.forEach((address, position) => {
          checkAddress(address, `${at}.${list}.${position}`);
          const email = isObject(address) && typeof address.email === 'string' ? address.email.toLowerCase() : null;
          if (email && seen.has(email)) {
            refuse('Each email address in the personalization block should be unique between to, cc, and bcc.', at);
          }
          if (email) seen.add(email);
        });
      }
      if (one.dynamic_template_data !== undefined && !isObject(one.dynamic_template_data)) {
        refuse('The dynamic_template_data must be an object.', `${at}.dynamic_template_data`);
      }
      if (
        one.substitutions !== undefined &&
        typeof body.template_id === 'string' &&
        body.template_id.startsWith('d-')
      ) {
        refuse('Substitutions may not be used with dynamic templating.', `${at}.substitutions`);
      }
    });
  }

  const hasTemplate = body.template_id !== undefined;
  if (hasTemplate && (typeof body.template_id !== 'string' || !templatePattern.test(body.template_id))) {
    refuse('The template_id must be a valid GUID, you provided something else.', 'template_id');
  }
  const everySubject =
    Array.isArray(personalizations) &&
    personalizations.length > 0 &&
    personalizations.every((one) => isObject(one) && isText(one.subject));
  if (!hasTemplate && !isText(body.subject) && !everySubject) {
    refuse(
      'The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.',
      'subject',
    );
  }
  const content = body.content;
  if (content === undefined) {
    if (!hasTemplate) {
      refuse(
        'Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block.',
        'content',
      );
    }
  } else if (!Array.isArray(content) || content.length === 0) {
    refuse('The content parameter must be a list with at least one block.', 'content');
  } else {
    content.forEach((block, index) => {
      if (!isObject(block) || !isText(block.type)) refuse('The content type is required.', `content.${index}.type`);
      else if (!isText(block.value))
        refuse('The content value must be a string at least one character in length.', `content.${index}.value`);
    });
  }
  for (const list of ['categories', 'attachments']) {
    if (body[list] !== undefined && !Array.isArray(body[list])) refuse(`The ${list} must be a list.`, list);
  }
  return errors;
}
