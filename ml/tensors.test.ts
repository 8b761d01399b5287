import { expect, test } from '@jest/globals';
import { entry, rowsOf, stackRows, takeRows, tensorOf } from './tensors.ts';

test('rows can be taken out and stacked again without a number changing its place', () => {
  const examples = { x: tensorOf([3, 2], [1, 2, 3, 4, 5, 6]), y: tensorOf([3, 1], [7, 8, 9]) };
  const parts = [takeRows(examples, [0]), takeRows(examples, [1, 2])];
  expect(stackRows(parts)).toEqual(examples);
  expect(Array.from(rowsOf(takeRows(examples, [2, 0]).x ?? tensorOf([0], []))[0] ?? [])).toEqual([5, 6]);
});

test('a slip in a shape or a name is an error, not a wrong answer', () => {
  expect(() => tensorOf([2, 2], [1, 2, 3])).toThrow('3 numbers do not fill the shape 2 x 2');
  expect(() => entry({}, 'kernel')).toThrow('There is no tensor "kernel"');
});
