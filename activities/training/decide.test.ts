import { describe, expect, test } from '@jest/globals';
import { decide } from './decide.ts';

const figuresOf = (value: number) => [{ name: 'AUC', value, chance: 0.5, meaning: 'a coin toss' }];
const decided = (candidate: number, active: number | null, better: 'higher' | 'lower' = 'higher') =>
  decide(
    {
      figures: figuresOf(candidate),
      activeVersion: '2.0.0',
      activeFigures: active === null ? null : figuresOf(active),
    },
    { figure: 'AUC', better },
  );

describe('a version replaces the active one (M4)', () => {
  test('only when the figure that decides is better, not when it is the same', () => {
    expect(decided(0.9, 0.8)).toEqual({
      decision: 'promoted',
      reason: 'Its "AUC" of 0.9000 beats the 0.8000 of the active version 2.0.0.',
    });
    expect(decided(0.8, 0.8).decision).toBe('kept');
    expect(decided(0.7, 0.8).decision).toBe('kept');
    expect(decided(0.7, 0.8, 'lower').decision).toBe('promoted');
    expect(decided(0.9, 0.8, 'lower').decision).toBe('kept');
  });

  test('when there is none, or one of another architecture, which is said', () => {
    expect(
      decide(
        { figures: figuresOf(0.1), activeVersion: null, activeFigures: null },
        { figure: 'AUC', better: 'higher' },
      ),
    ).toEqual({
      decision: 'promoted',
      reason: 'No version was active.',
    });
    expect(decided(0.1, null)).toMatchObject({
      decision: 'promoted',
      reason: expect.stringMatching(/another architecture/) as unknown,
    });
  });

  test('never when it has no such figure, or one that is no number', () => {
    expect(decided(NaN, 0.8).decision).toBe('kept');
    expect(
      decide({ figures: [], activeVersion: null, activeFigures: null }, { figure: 'AUC', better: 'higher' }).decision,
    ).toBe('kept');
  });
});
