import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/**
 * What each folder may import of the others; anything not named is refused (docs/coding-rules.md, rule 2).
 * @type {Record<string, string[]>}
 */
const mayImport = {
  domain: [],
  observability: ['domain'],
  integrations: ['domain', 'observability'],
  db: ['domain', 'observability'],
  ml: ['domain', 'observability'],
  workflows: ['domain', 'activities'],
  operations: ['domain', 'db', 'integrations', 'temporal', 'observability'],
  activities: ['domain', 'db', 'ml', 'integrations', 'operations', 'observability'],
  temporal: ['domain', 'workflows', 'observability'],
  api: ['domain', 'db', 'integrations', 'operations', 'temporal', 'observability'],
};
const folders = [...Object.keys(mayImport), 'workers', 'cli', 'bench', 'tests', 'stack'];

/** @type {import('typescript-eslint').ConfigArray} */
const importBoundaries = Object.entries(mayImport).map(([folder, allowed]) => {
  const refused = folders.filter((other) => other !== folder && !allowed.includes(other));
  return {
    files: [`${folder}/**/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${refused.join('|')})/`,
              message: `${folder}/ may import only ${allowed.join(', ') || 'nothing'} (docs/coding-rules.md, rule 2).`,
            },
            ...(folder === 'workflows'
              ? [
                  { regex: '^node:', message: 'Workflow code is deterministic: no Node built-ins.' },
                  { regex: '^(?!@temporalio/|\\.)', message: 'Workflow code imports Temporal and our own words only.' },
                  {
                    regex: '^(\\.\\./)+activities/',
                    allowTypeImports: true,
                    message: 'Workflows know the types of activities, never their code.',
                  },
                ]
              : []),
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ['node_modules/', 'coverage/', 'dist/', '.mindpeeker/', 'ml/*/artefact/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unsafe-type-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a string union (rule 7).' },
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'The environment is read in config.ts alone (rule 4).',
        },
      ],
      eqeqeq: 'error',
    },
  },
  { files: ['config.ts', '**/*.test.ts', 'tests/**/*.ts', 'bench/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['**/*.test.ts', 'tests/**/*.ts'], rules: { '@typescript-eslint/no-unsafe-type-assertion': 'off' } },
  {
    files: ['**/*.mjs', '*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'setImmediate',
          'fetch',
          'URL',
          'Buffer',
          'AbortController',
          'AbortSignal',
          'structuredClone',
          'performance',
          'TextDecoder',
          'TextEncoder',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  ...importBoundaries,
  prettier,
);
