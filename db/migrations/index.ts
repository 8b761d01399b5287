import { First } from './20261123000000_first.ts';

/** Every migration, oldest first; the list stands here so that no loader has to look for files at run time. */
export const migrations = [First];
