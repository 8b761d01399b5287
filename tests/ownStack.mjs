/** Before each file of tests: each process of jest works on a stack of its own, which tests/run.mjs brought up for it. */
const place = Number(process.env.JEST_WORKER_ID ?? 1) - 1;
/** @type {NodeJS.ProcessEnv[]} */
const stacks = JSON.parse(process.env.TEST_STACKS ?? '[]');
Object.assign(process.env, stacks[place]);
delete process.env.TEST_STACKS;
