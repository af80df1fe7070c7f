import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Snapshot } from '../../app/contract/kiosk.ts';

/** The policy the page ships under. */
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self' ws://127.0.0.1:*";
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2', '.svg': 'image/svg+xml' };
const DIST = fileURLToPath(new URL('../../dist/kiosk', import.meta.url));

export interface FakeStation {
  readonly url: string;
  /** Pushes to every page, and to each that connects later. */
  show(snapshot: Snapshot): void;
  pushRaw(message: unknown): void;
  /** Everything the pages sent, parsed. */
  readonly received: unknown[];
  /** How many times a page connected. */
  connections(): number;
  /** Drops the pages and refuses new ones while down. */
  setDown(down: boolean): void;
  close(): Promise<void>;
}

/** Serves the built page in `root` and plays the station's end of its WebSocket, on a free loopback port. */
export async function startFakeStation(root = DIST, token = 'tok'): Promise<FakeStation> {
  const received: unknown[] = [];
  const pages = new Set<WebSocket>();
  let latest: Snapshot | undefined;
  let isDown = false;
  let connections = 0;
  const http = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const file = join(root, path === '/' ? 'index.html' : path);
    readFile(file).then(
      (body) => response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://x');
    if (isDown || url.pathname !== '/kiosk' || url.searchParams.get('token') !== token) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (page) => {
      connections += 1;
      pages.add(page);
      page.on('close', () => pages.delete(page));
      page.on('message', (data) => {
        const message = JSON.parse(String(data)) as { id: number };
        received.push(message);
        page.send(JSON.stringify({ id: message.id, ok: true }));
      });
      if (latest) page.send(JSON.stringify({ snapshot: latest }));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const pushRaw = (message: unknown): void => pages.forEach((page) => page.send(JSON.stringify(message)));
  return {
    url: `http://127.0.0.1:${address.port}/#token=${token}`,
    received,
    pushRaw,
    connections: () => connections,
    show(snapshot) {
      latest = snapshot;
      pushRaw({ snapshot });
    },
    setDown(down) {
      isDown = down;
      if (down) pages.forEach((page) => page.terminate());
    },
    close: async () => {
      pages.forEach((page) => page.terminate());
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
