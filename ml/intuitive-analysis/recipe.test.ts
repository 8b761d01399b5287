import { beforeAll, describe, expect, test } from '@jest/globals';
import { openBackend, type Runtime } from '../backend.ts';
import { Random } from '../random.ts';
import { learnShard } from '../training/learn.ts';
import { firstState, lossesOf } from '../training/state.ts';
import { simulateTable } from './generator.ts';
import { intuitiveAnalysisRecipe as recipe } from './recipe.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openBackend('wasm');
});

describe('the recipe of Intuitive Analysis (M4, M8)', () => {
  test('learns, and makes the same weights and figures from the same seed', async () => {
    const make = async () => {
      const shard = await recipe.simulate({ runtime, random: new Random(1), sessions: 80 });
      let state = firstState(recipe, 5);
      const losses: number[] = [];
      while (state.epoch < 3) {
        state = await learnShard({ runtime, recipe, seed: 5, state, shard, shards: 1 });
        losses.push(lossesOf(state).grouping ?? NaN);
      }
      const measured = { runtime, random: new Random(2), sessions: 24 };
      const weights = await recipe.calibrate({ ...measured, weights: state.weights });
      return { losses, weights, figures: await recipe.evaluate({ ...measured, weights }) };
    };
    const [once, again] = [await make(), await make()];
    expect(again).toEqual(once);
    expect(once.losses.at(-1)).toBeLessThan(once.losses[0] ?? NaN);
    expect(once.figures.map(({ name }) => name)).toContain(recipe.decisive.figure);
  });

  test('simulates the same examples from the same seed, of eight rows a table', async () => {
    const simulate = () => recipe.simulate({ runtime, random: new Random(3), sessions: 20 });
    const examples = await simulate();
    expect(await simulate()).toEqual(examples);
    expect(examples.grouping?.facts?.shape[0]).toBe(20);
    expect(examples.rows?.facts?.shape[0]).toBe(160);
  });

  test('a simulated table has the groups it was asked for, and what is marked was changed', () => {
    const once = simulateTable(new Random(4), { groupCount: 5, anomalies: ['shifted'] });
    expect(new Set(once.groups).size).toBe(5);
    expect(once.anomalous).toHaveLength(once.impressions.rows.length);
    expect(simulateTable(new Random(4), { groupCount: 5, anomalies: ['shifted'] })).toEqual(once);
  });
});

describe('what is learned from a real table (D3)', () => {
  const { impressions, groups, anomalous } = simulateTable(new Random(12), { groupCount: 3 });
  const names = groups.map((group) => `group ${group}`);
  const marked = anomalous.flatMap((is, row) => (is ? [row] : []));

  test('is what its outcome tells: groups, rows that stand out, or both', async () => {
    const both = await recipe.learnFrom({ impressions, outcome: { groups: names, anomalies: marked } }, runtime);
    expect(Object.keys(both ?? {})).toEqual(['grouping', 'rows']);
    const label = Array.from(both?.grouping?.labels?.values ?? []);
    expect(label.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    // Three groups are the fourth and fifth choice: round, stretched.
    expect((label[3] ?? 0) + (label[4] ?? 0)).toBeCloseTo(1);
    const rows = await recipe.learnFrom({ impressions, outcome: { anomalies: marked } }, runtime);
    expect(Object.keys(rows ?? {})).toEqual(['rows']);
  });

  test('is nothing when the groups are known of few rows, or too many to be told apart', async () => {
    const few = names.map((name, row) => (row < 5 ? name : null));
    expect(await recipe.learnFrom({ impressions, outcome: { groups: few } }, runtime)).toBeNull();
    const many = names.map((_, row) => `group ${row}`);
    expect(await recipe.learnFrom({ impressions, outcome: { groups: many } }, runtime)).toBeNull();
    expect(await recipe.learnFrom({ impressions, outcome: { groups: ['a'] } }, runtime)).toBeNull();
  });
});
