import tseslint from 'typescript-eslint';

/** Time and chance enter the rules and the station only through what they are given. */
const NO_AMBIENT_TIME = [
  'error',
  { name: 'Date', message: 'Take the time from the injected clock.' },
  { name: 'setTimeout', message: 'Use the injected clock.' },
  { name: 'setInterval', message: 'Use the injected clock.' },
  { name: 'performance', message: 'Use the injected clock.' },
];
const NO_CHANCE = ['error', { object: 'Math', property: 'random', message: 'Take randomness as a parameter.' }, { object: 'Date', property: 'now', message: 'Take the time from the injected clock.' }];

export default tseslint.config(
  { ignores: ['node_modules/**', 'dist/**', '.cache/**'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-ignore': true, 'ts-nocheck': true, 'ts-expect-error': true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'no-eval': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
    },
  },
  { files: ['app/domain/**', 'app/station/**'], rules: { 'no-restricted-globals': NO_AMBIENT_TIME, 'no-restricted-properties': NO_CHANCE } },
  { files: ['scripts/*.config.*', 'scripts/vite.*.ts', 'test/**/vitest*.config.ts'], rules: { 'no-restricted-exports': 'off' } },
);
