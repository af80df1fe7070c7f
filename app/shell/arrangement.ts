import { readFileSync } from 'node:fs';

export type AddressFault = 'unreadable' | 'not-a-station-address';
export type StationAddress = { readonly ok: true; readonly url: string } | { readonly ok: false; readonly reason: AddressFault };

/**
 * desktop: the shell runs the station itself. appliance: the station is a service of this machine, and the shell finds it at
 * `DOCKWARD_KIOSK_URL`, or at the address in the file `DOCKWARD_KIOSK_URL_FILE`, which the station rewrites at every start
 * because the token is per run; hence read anew for every connection.
 */
export type Arrangement = { readonly kind: 'desktop' } | { readonly kind: 'appliance'; readonly address: () => StationAddress };

export function chooseArrangement(env: Readonly<Record<string, string | undefined>>): Arrangement {
  const url = env.DOCKWARD_KIOSK_URL;
  if (url !== undefined) return { kind: 'appliance', address: () => checkAddress(url) };
  const file = env.DOCKWARD_KIOSK_URL_FILE;
  if (file !== undefined) return { kind: 'appliance', address: () => readAddress(file) };
  return { kind: 'desktop' };
}

function readAddress(file: string): StationAddress {
  try {
    return checkAddress(readFileSync(file, 'utf8').trim());
  } catch {
    return { ok: false, reason: 'unreadable' };
  }
}

/** Only a station of this very machine: `ws://127.0.0.1:PORT/kiosk?token=…`. */
function checkAddress(address: string): StationAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const here = url?.protocol === 'ws:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname) && url.pathname === '/kiosk' && url.searchParams.has('token');
  return here ? { ok: true, url: url.href } : { ok: false, reason: 'not-a-station-address' };
}
