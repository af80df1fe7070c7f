import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { CustomScheme } from 'electron';

export const KIOSK_SCHEME = 'app';
export const KIOSK_HOST = 'kiosk';
export const KIOSK_PAGE = `${KIOSK_SCHEME}://${KIOSK_HOST}/index.html`;

/** Standard (so it has an origin and relative addresses) and secure; no fetch, no service worker, no CSP bypass. */
export const KIOSK_PRIVILEGES: CustomScheme = { scheme: KIOSK_SCHEME, privileges: { standard: true, secure: true } };

/** The page talks through the preload only: `connect-src` is none, and no string ever becomes code or markup. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "media-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.wav': 'audio/wav',
};

export interface KioskFile {
  readonly path: string;
  readonly mediaType: string;
}

/**
 * Every file of the built page by the address it is served at. A request only ever looks up a key of this map, never joins
 * a path, so nothing outside can be reached. Links are left out: they could point outside. A file of an unknown kind is too.
 */
export async function listKioskFiles(folder: string): Promise<ReadonlyMap<string, KioskFile>> {
  const files = new Map<string, KioskFile>();
  const visit = async (path: string, address: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const mediaType = MEDIA_TYPES[extname(entry.name).toLowerCase()];
      if (entry.isDirectory()) await visit(join(path, entry.name), `${address}${entry.name}/`);
      else if (entry.isFile() && mediaType !== undefined) files.set(`${address}${entry.name}`, { path: join(path, entry.name), mediaType });
    }
  };
  await visit(folder, '/');
  return files;
}

/** True for addresses of the kiosk page's own origin. (`URL.origin` is "null" for a custom scheme in Node.) */
export function isKioskAddress(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url?.protocol === `${KIOSK_SCHEME}:` && url.host === KIOSK_HOST && url.username === '' && url.password === '';
}

/** Answers a request to `app://kiosk/…` with a file of the built page, or 404 / 405 with nothing in it. */
export async function serveKiosk(files: ReadonlyMap<string, KioskFile>, request: { readonly method: string; readonly url: string }): Promise<Response> {
  if (request.method !== 'GET') return new Response(null, { status: 405, headers: HEADERS });
  const file = isKioskAddress(request.url) ? files.get(new URL(request.url).pathname) : undefined;
  if (file === undefined) return new Response(null, { status: 404, headers: HEADERS });
  return new Response(await readFile(file.path), { headers: { ...HEADERS, 'content-type': file.mediaType } });
}
