import type { WriteStream } from 'node:tty';
import type { Training } from '../db/entities.ts';
import { secondMs } from '../domain/time.ts';
import { bar } from './picture.ts';

/** Where a stream is no terminal, a line is written at least this often. */
const lineEveryMs = 30 * secondMs;

/** How a training goes, as one line. */
export function progressLine(training: Training): string {
  const { stage, stageDone, epoch, epochs, losses, samplesPerSecond, secondsLeft } = training;
  const inEpochs = stage === 'train' && typeof epochs === 'number';
  const parts = [
    bar(stage, stageDone, 'calibrate'.length),
    ...(inEpochs ? [`epoch ${Math.min(epoch + 1, epochs)}/${epochs}`] : []),
    ...(inEpochs ? Object.entries(losses ?? {}).map(([network, loss]) => `${network} ${loss.toFixed(4)}`) : []),
    ...(typeof samplesPerSecond === 'number' ? [`${Math.round(samplesPerSecond)} samples/s`] : []),
    ...(typeof secondsLeft === 'number' ? [`${durationOf(secondsLeft)} left`] : []),
  ];
  return parts.join('  ');
}

function durationOf(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** One line that changes on a terminal; elsewhere a line for each stage, each epoch, and now and then. */
export function createProgressDisplay(stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>) {
  let shown = '';
  let shownAt = -Infinity;
  return {
    show(training: Training): void {
      const line = progressLine(training);
      if (stream.isTTY) {
        stream.write(`\r\u001b[K${line.slice(0, stream.columns - 1)}`);
        return;
      }
      const place = `${training.stage} ${training.epoch}`;
      if (place === shown && performance.now() - shownAt < lineEveryMs) return;
      [shown, shownAt] = [place, performance.now()];
      stream.write(`${line}\n`);
    },
    end(): void {
      if (stream.isTTY) stream.write('\n');
    },
  };
}
