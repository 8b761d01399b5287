/**
 * The entry at an index that is known to be there.
 *
 * @throws RangeError when it is not: a slip in counting, which must not become a silent zero.
 */
export function at<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`There is no entry ${index} among ${items.length}`);
  return item;
}
