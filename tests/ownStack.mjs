import { TestEnvironment } from 'jest-environment-node';

/**
 * Where each file of tests runs: each process of jest works on a stack of its own, which tests/run.mjs brought up for it.
 * Tests see a copy of the environment that is made here, and what they start gets that of the process unless they give it
 * another one, so the stack has to stand in both.
 */
export default class OwnStack extends TestEnvironment {
  /** @param {ConstructorParameters<typeof TestEnvironment>} given */
  constructor(...given) {
    const place = Number(process.env.JEST_WORKER_ID ?? 1) - 1;
    /** @type {NodeJS.ProcessEnv[]} */
    const stacks = JSON.parse(process.env.TEST_STACKS ?? '[]');
    Object.assign(process.env, stacks[place]);
    super(...given);
  }
}
