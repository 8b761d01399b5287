/**
 * Thrown when a person has to do something before the work can go on.
 * `message` is one sentence for the terminal and `help` the command that mends it; no stack trace is shown for it.
 */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {string} [help]
   */
  constructor(message, help) {
    super(message);
    this.name = 'Problem';
    this.help = help;
  }
}
