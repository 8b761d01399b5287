/** What randomness is needed for in a training; each has seeds of its own, so that no two ever see the same sessions. */
const purposes = ['shard', 'weights', 'order', 'calibration'] as const;
type SeedPurpose = (typeof purposes)[number];

const seedsPerPurpose = 2 ** 20;
const seedsPerTraining = purposes.length * seedsPerPurpose;

/** A seed for the n-th use of a purpose in the training with the seed that a person gave. */
export function seedFor(purpose: SeedPurpose, trainingSeed: number, index = 0): number {
  return trainingSeed * seedsPerTraining + purposes.indexOf(purpose) * seedsPerPurpose + index;
}

/** The seed of the frozen test set, above those of every training (`highestSeed`): the same for every training and version, so that their figures can be compared. */
export const frozenSeed = 2 ** 52;
