/** Tests run as ES modules on the real stack; `npm test` brings it up and hands its addresses over in the environment. */
export default {
  testEnvironment: './tests/ownStack.mjs',
  setupFilesAfterEnv: ['./tests/secondTry.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript' },
          target: 'es2024',
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/.mindpeeker/'],
  modulePathIgnorePatterns: ['/.mindpeeker/', '/dist/'],
  // It ends waits that are in vain; what goes well within seconds here may take minutes on a busy machine.
  testTimeout: 240_000,
  coverageProvider: 'babel',
  collectCoverageFrom: [
    '{api,workflows,activities,operations,workers,ml,temporal,db,integrations,domain,observability}/**/*.ts',
    'config.ts',
    '!**/*.test.ts',
    '!**/*.d.ts',
    // Processes and threads of their own, which jest cannot see into; tests start them as such.
    '!api/main.ts',
    '!workers/{cpu,gpu,build}.ts',
    '!ml/{evaluate,inference-thread}.ts',
    '!ml/training/thread.ts',
    // A command whose result is committed, and tested there.
    '!ml/geography/make.ts',
  ],
  coverageThreshold: { global: { lines: 80, branches: 80 } },
  coverageReporters: ['text-summary', 'json-summary', 'lcov'],
};
