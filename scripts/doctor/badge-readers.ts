import type { StationConfig } from '../../app/station/config.ts';
import { hidReaders } from './hid-devices.ts';
import { ok, lacking, optional, type Finding } from './finding.ts';
import { tryConnect } from './look.ts';
import { loadPcsclite, type OpenPcsc } from '../../native/readers/pcsclite-module.ts';
import { probePcscService } from '../../native/readers/service-probe.ts';
import { SERVICE_USER } from './rights.ts';

const PCSCD_SOCKET = process.env['PCSCLITE_CSOCK_NAME'] ?? '/run/pcscd/pcscd.comm';
const PROBE_MS = 2_000;
/** The service names what it knows at once, and a reader that it has to start within a second. */
const FIRST_READER_MS = 1_000;
const MORE_READERS_MS = 200;
const NOBODY = 'Badges over PC/SC are not read: nobody can take a tablet.';

/** Readers over PC/SC and over HID. What a configuration does not use is never missing. */
export async function badgeReaders(config: StationConfig | undefined, user: string): Promise<readonly Finding[]> {
  const hid = await hidReaders(config, user);
  const isUsed = (config?.readers ?? 'pcsc') === 'pcsc';
  if (!isUsed) return [optional(`PC/SC readers: not used ("readers": "${config?.readers ?? ''}" in the configuration)`), ...hid.findings];
  // Without a configuration a cart with any reader has what it needs.
  const isNeeded = config !== undefined || !hid.canRead;
  return [...(await pcsc(isNeeded, user)), ...hid.findings];
}

async function pcsc(isNeeded: boolean, user: string): Promise<readonly Finding[]> {
  const module = loadPcsclite();
  if (!module.found) return [lacking(isNeeded, `PC/SC readers: ${module.detail}`, NOBODY, ['apt-get install pcscd libpcsclite-dev g++ make python3', 'run this command again: it builds the reader module'])];
  const trouble = await serviceTrouble(user);
  if (trouble !== undefined) return [lacking(isNeeded, `PC/SC service: ${trouble.what}`, NOBODY, trouble.mend)];
  const named = await readerNames(module.open);
  if (!named.ok) return [lacking(isNeeded, `PC/SC service: ${named.what}`, NOBODY, refusedSteps(named.what))];
  if (named.names.length === 0) return [lacking(isNeeded, 'PC/SC readers: the service answers and knows of no reader', NOBODY, ['plug the reader in; lsusb must show it', 'apt-get install libccid   (the driver of most USB readers), then systemctl restart pcscd'])];
  return named.names.map((name) => ok(`PC/SC reader "${name}"`));
}

async function serviceTrouble(user: string): Promise<{ readonly what: string; readonly mend: readonly string[] } | undefined> {
  if (process.platform !== 'linux') return undefined;
  const answer = await tryConnect({ path: PCSCD_SOCKET });
  if (answer === 'EACCES') return { what: `the user ${user} may not speak with pcscd: no right to write to ${PCSCD_SOCKET}`, mend: ['systemctl cat pcscd.socket   (SocketMode must be 0666, as Debian has it), then systemctl restart pcscd.socket'] };
  if (answer !== 'yes') return { what: `pcscd does not answer (${PCSCD_SOCKET}: ${answer})`, mend: ['apt-get install pcscd && systemctl enable --now pcscd.socket'] };
  if ((await probePcscService(PROBE_MS)) === 'answers') return undefined;
  return { what: `pcscd takes connections and says nothing (${PCSCD_SOCKET})`, mend: ['systemctl restart pcscd'] };
}

/** Only the names: a doctor has no business with the cards that lie on them. */
function readerNames(open: OpenPcsc): Promise<{ readonly ok: true; readonly names: readonly string[] } | { readonly ok: false; readonly what: string }> {
  return new Promise((resolve) => {
    const names: string[] = [];
    const finish = (): void => resolve({ ok: true, names });
    const fail = (error: unknown): void => resolve({ ok: false, what: error instanceof Error ? error.message : String(error) });
    try {
      const instance = open();
      let enough = setTimeout(finish, FIRST_READER_MS);
      instance.on('error', fail);
      instance.on('reader', (reader: { name: string; on(event: 'error', act: (error: unknown) => void): void }) => {
        reader.on('error', fail);
        names.push(reader.name);
        clearTimeout(enough);
        enough = setTimeout(finish, MORE_READERS_MS);
      });
    } catch (error) {
      fail(error);
    }
  });
}

/** Where polkit guards pcscd, who is not signed in at the machine's own screen is refused, and so is a service. */
function refusedSteps(what: string): readonly string[] {
  if (!/security violation|8010006a/i.test(what)) return ['systemctl restart pcscd; journalctl -u pcscd says more'];
  return [`cp resources/linux/70-dockward-pcscd.rules /etc/polkit-1/rules.d/   (for the group ${SERVICE_USER})`, 'systemctl restart polkit pcscd'];
}
