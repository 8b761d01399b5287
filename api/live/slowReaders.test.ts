import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { secondMs } from '../../domain/time.ts';
import { createSlowReaders } from './slowReaders.ts';

describe('a slow reader (G4)', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function readerWithBacklog(unsentBytes: number) {
    const reader = { backlog: unsentBytes, unsentBytes: () => reader.backlog };
    return reader;
  }

  test('is told when its backlog stands for longer than ten seconds, once', () => {
    const slow: unknown[] = [];
    const readers = createSlowReaders((reader) => slow.push(reader));
    const reader = readerWithBacklog(0);
    readers.mayGetMore(reader);
    reader.backlog = 100;
    jest.advanceTimersByTime(10 * secondMs);
    expect(slow).toEqual([]);
    jest.advanceTimersByTime(20 * secondMs);
    expect(slow).toEqual([reader]);
    readers.close();
  });

  test('is none while its backlog goes in between, or after it has left', () => {
    const slow: unknown[] = [];
    const readers = createSlowReaders((reader) => slow.push(reader));
    const [steady, gone] = [readerWithBacklog(0), readerWithBacklog(0)];
    for (let i = 0; i < 20; i += 1) {
      steady.backlog = 0;
      readers.mayGetMore(steady);
      readers.mayGetMore(gone);
      steady.backlog = 100;
      jest.advanceTimersByTime(2 * secondMs);
    }
    gone.backlog = 100;
    readers.forget(gone);
    jest.advanceTimersByTime(8 * secondMs);
    expect(slow).toEqual([]);
    readers.close();
  });

  test('gets no more beyond 256 KiB', () => {
    const readers = createSlowReaders(() => undefined);
    expect(readers.mayGetMore(readerWithBacklog(256 * 1_024))).toBe(true);
    expect(readers.mayGetMore(readerWithBacklog(256 * 1_024 + 1))).toBe(false);
    readers.close();
  });
});
