import { performance } from 'node:perf_hooks';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const titleWidth = 18;
const textWidth = 52;
const quietMs = 1_500;
const heartbeatMs = 30_000;

/**
 * @typedef {object} Step one thing being done, shown while it runs and as one line when it is over
 * @property {(text: string) => void} detail what it is busy with now
 * @property {(text: string) => void} done
 * @property {(text: string) => void} skipped
 * @property {(text: string) => void} failed
 */

/**
 * What people see of the stack: one aligned line per step, a live line on a terminal, plain lines elsewhere.
 * @typedef {ReturnType<typeof createTerminal>} Terminal
 */

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(ms < 99_950 ? 1 : 0)} s`;

/**
 * @param {{stream?: NodeJS.WriteStream, env?: NodeJS.ProcessEnv}} [options]
 */
export function createTerminal({ stream = process.stdout, env = process.env } = {}) {
  const live = Boolean(stream.isTTY) && env.TERM !== 'dumb' && !env.CI;
  const coloured = Boolean(stream.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb';
  const paint = (/** @type {number} */ code, /** @type {string} */ text) =>
    coloured && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text;

  /** @type {Set<{title: string, text: string, since: number, said: number}>} */
  const running = new Set();
  /** @type {NodeJS.Timeout | null} */
  let ticker = null;
  let frame = 0;

  const clearLive = () => {
    if (live) stream.write('\r\x1b[2K');
  };

  const drawLive = () => {
    const [first, ...others] = running;
    if (!first) return;
    const elapsed = seconds(performance.now() - first.since);
    const more = others.length === 0 ? '' : `  and ${others.map((other) => other.title).join(', ')}`;
    const line = `${first.title.padEnd(titleWidth)} ${first.text}${more}`;
    const room = Math.max(20, (stream.columns || 80) - elapsed.length - 8);
    const cut = line.length > room ? `${line.slice(0, room - 1)}…` : line;
    stream.write(`\r\x1b[2K  ${paint(36, frames[frame % frames.length] ?? '')} ${cut}  ${paint(2, elapsed)}`);
  };

  const tick = () => {
    if (live) {
      frame += 1;
      drawLive();
      return;
    }
    const now = performance.now();
    for (const step of running) {
      const sayAt = step.said === 0 ? step.since + quietMs : step.said + heartbeatMs;
      if (now < sayAt) continue;
      const elapsed = step.said === 0 ? '' : `  ${seconds(now - step.since)}`;
      stream.write(`  … ${step.title.padEnd(titleWidth)} ${step.text}${elapsed}\n`);
      step.said = now;
    }
  };

  const line = (text = '') => {
    clearLive();
    stream.write(`${text}\n`);
    if (live) drawLive();
  };

  /**
   * @param {string} title
   * @param {string} [text]
   * @returns {Step}
   */
  const step = (title, text = '') => {
    const entry = { title, text, since: performance.now(), said: 0 };
    running.add(entry);
    ticker ??= setInterval(tick, live ? 80 : 250);
    const end = (/** @type {string} */ mark, /** @type {number} */ colour, /** @type {string} */ outcome) => {
      if (!running.delete(entry)) return;
      if (running.size === 0 && ticker) {
        clearInterval(ticker);
        ticker = null;
      }
      const elapsed = performance.now() - entry.since;
      const time = elapsed < 50 ? '' : paint(2, seconds(elapsed));
      line(
        `  ${paint(colour, mark)} ${title.padEnd(titleWidth)} ${time === '' ? outcome : `${outcome.padEnd(textWidth)} ${time}`}`,
      );
    };
    return {
      detail: (now) => {
        entry.text = now;
        if (!live && entry.said > 0) entry.said = 1 - heartbeatMs;
        if (live) drawLive();
      },
      done: (outcome) => end('✓', 32, outcome),
      skipped: (outcome) => end('–', 2, outcome),
      failed: (outcome) => end('✗', 31, outcome),
    };
  };

  return {
    line,
    step,
    /** @param {string} text */
    heading: (text) => line(`\n${paint(1, text)}`),
    /** @param {string} text */
    note: (text) => line(`  ${paint(33, '!')} ${text}`),
    /**
     * Something that happened while we stay up, with its time of day.
     * @param {string} text
     */
    event: (text) => line(`  ${paint(2, new Date().toTimeString().slice(0, 8))}  ${text}`),
    /** @param {[string, string][]} rows */
    pairs: (rows) => {
      const width = Math.max(...rows.map(([name]) => name.length));
      for (const [name, value] of rows) line(`  ${paint(2, name.padEnd(width))}   ${value}`);
    },
    /**
     * @param {string} message
     * @param {string} [help]
     */
    problem: (message, help) => {
      line(`\n  ${paint(31, '✗')} ${message}${help ? `:\n\n      ${paint(1, help)}` : ''}\n`);
    },
    dim: (/** @type {string} */ text) => paint(2, text),
    bold: (/** @type {string} */ text) => paint(1, text),
  };
}
