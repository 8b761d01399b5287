import { expect, test } from '@jest/globals';
import type { Training } from '../db/entities.ts';
import { createProgressDisplay, progressLine } from './trainingProgress.ts';

const training = {
  stage: 'train',
  stageDone: 0.25,
  epoch: 2,
  epochs: 8,
  losses: { answer: 0.51234, location: 4.2 },
  samplesPerSecond: 1_234.5,
  secondsLeft: 249.2,
} as unknown as Training;

test('a training in its epochs says epoch, losses, samples a second and the time left (M4)', () => {
  expect(progressLine(training)).toBe(
    'train     0.25 ██████  epoch 3/8  answer 0.5123  location 4.2000  1235 samples/s  4:10 left',
  );
});

test('a stage that cannot tell how long it takes says how far it is', () => {
  const calibrating = { ...training, stage: 'calibrate', stageDone: 0, samplesPerSecond: null, secondsLeft: null };
  expect(progressLine(calibrating as unknown as Training).trimEnd()).toBe('calibrate 0.00');
});

test('where there is no terminal, a line is written for each stage and epoch alone', () => {
  const written: string[] = [];
  const stream = { isTTY: false, columns: 80, write: (text: string) => written.push(text) > 0 };
  const display = createProgressDisplay(stream);
  for (const stageDone of [0.25, 0.3, 0.35]) display.show({ ...training, stageDone });
  display.show({ ...training, epoch: 3 });
  display.end();
  expect(written).toHaveLength(2);
});

test('a terminal shows one line that changes and never wraps', () => {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 20, write: (text: string) => written.push(text) > 0 };
  const display = createProgressDisplay(stream);
  display.show(training);
  display.show(training);
  display.end();
  expect(written).toEqual(['\r\u001b[Ktrain     0.25 ████', '\r\u001b[Ktrain     0.25 ████', '\n']);
});
