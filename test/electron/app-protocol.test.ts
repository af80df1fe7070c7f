import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtPage, startedShell } from '../support/preload-host/started-shell.ts';

async function served(root: string) {
  const { session } = await startedShell({ root });
  const handler = session.schemes.get('app');
  if (handler === undefined) throw new Error('nobody serves app://');
  return async (url: string, method = 'GET') => handler({ method, url });
}

test('the page and its parts are served with a strict policy and their media type', async () => {
  const get = await served(builtPage());
  const page = await get('app://kiosk/index.html');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy.split('; ')).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]));
  expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
  const script = await get('app://kiosk/assets/kiosk.js?v=1');
  expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
});

test('an address that climbs out of the page finds nothing', async () => {
  const root = builtPage();
  writeFileSync(join(root, 'secret.json'), '{}');
  writeFileSync(join(root, 'dist/secret.json'), '{}');
  symlinkSync(join(root, 'secret.json'), join(root, 'dist/kiosk/link.json'));
  symlinkSync(root, join(root, 'dist/kiosk/up'));
  const get = await served(root);
  const climbs = [
    'app://kiosk/../secret.json',
    'app://kiosk/../../secret.json',
    'app://kiosk/%2e%2e/secret.json',
    'app://kiosk/..%2fsecret.json',
    'app://kiosk/..%5csecret.json',
    'app://kiosk/assets/..\\..\\secret.json',
    'app://kiosk/assets/%2e%2e%2f%2e%2e%2fsecret.json',
    `app://kiosk/${root}/secret.json`,
    `app://kiosk/${encodeURIComponent(join(root, 'secret.json'))}`,
    'app://kiosk/index.html%00.json',
    'app://kiosk/link.json',
    'app://kiosk/up/secret.json',
    'app://other/index.html',
    'app://kiosk:99/index.html',
    'file:///etc/passwd',
    'not an address',
  ];
  for (const url of climbs) {
    const answer = await get(url);
    expect([url, answer.status, await answer.text()]).toEqual([url, 404, '']);
  }
});

test('a path above the root that comes back in is the page itself, nothing more', async () => {
  const get = await served(builtPage());
  expect((await get('app://kiosk/../index.html')).status).toBe(200);
});

test('a request that is not a GET is refused', async () => {
  const get = await served(builtPage());
  expect((await get('app://kiosk/index.html', 'POST')).status).toBe(405);
});

test('the scheme is standard and secure and bypasses nothing', async () => {
  const { seen } = await startedShell();
  expect(seen.schemes).toEqual([{ scheme: 'app', privileges: { standard: true, secure: true } }]);
});
