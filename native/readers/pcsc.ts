import type { AdapterState, ReaderAdapter, ReaderEvent, RunningReaders } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import { isServiceLoss } from './card-link.ts';
import { cardTrust, type CardTrust } from './card-trust.ts';
import { loadPcsclite, outsideNative, type PcscInstance, type PcscModule, type PcscReader } from './pcsclite-module.ts';
import { watchReader, type ReaderWatch } from './reader-watch.ts';
import { probePcscService, type ServiceAnswer } from './service-probe.ts';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const PROBE_DEADLINE_MS = 2_000;
/** How long a working service may take to name its first reader before the cart says that it has none. */
const NO_READER_AFTER_MS = 1_000;
/** Far above what a thread needs between being woken by the service and waiting for it again. */
const QUIET_BEFORE_CLOSE_MS = 500;
/** Slots for security modules inside readers; their "card" never leaves. */
const SECURITY_MODULE_SLOT = /\bSAM\b/;

export interface PcscDeps {
  readonly clock: HostClock;
  /** Replaced in tests of what a machine without the package or the service is told. */
  readonly load?: () => PcscModule;
  readonly probe?: (deadlineMs: number) => Promise<ServiceAnswer>;
}

interface Session {
  readonly instance: PcscInstance;
  /** Every reader the service named, also those that are not badge readers: each has a thread to end. */
  readonly opened: PcscReader[];
  readonly watches: Map<string, ReaderWatch>;
}

/**
 * Badge readers over PC/SC: PIV cards that prove themselves once `trust` has named authorities, otherwise contactless identifiers. The connection to the service never heals after an error, so it
 * is thrown away whole and made anew with back-off (0.25–5 s), for as long as it takes.
 */
export function pcscReaders({ clock, load = loadPcsclite, probe = probePcscService }: PcscDeps): ReaderAdapter {
  return { name: 'pcsc', start: (sink) => startPcsc({ clock, load, probe }, sink) };
}

function startPcsc({ clock, load, probe }: Required<PcscDeps>, sink: (event: ReaderEvent) => void): RunningReaders {
  const module = load();
  if (!module.found) {
    sink({ event: 'adapter', state: 'absent', detail: module.detail });
    return { stop: () => Promise.resolve() };
  }
  const openPcsc = module.open;
  const resting = new Map<string, string>();
  let session: Session | undefined;
  let retryMs = FIRST_RETRY_MS;
  let stopped = false;
  let cancelTimer = () => {};
  let told = '';
  let trusted: CardTrust | undefined;

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told || stopped) return;
    told = telling;
    sink({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) });
  }

  function retry(detail: string): void {
    tellState('failing', detail);
    if (stopped) return;
    cancelTimer = clock.after(retryMs, () => void open());
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }

  function tellReaders(current: Session): void {
    if (current.watches.size > 0) tellState('working', trustDetail(trusted));
    else tellState('absent', 'no badge reader is plugged in: plug one in, or look at its cable');
  }

  async function open(): Promise<void> {
    const answer = await probe(PROBE_DEADLINE_MS);
    if (stopped) return;
    if (answer === 'down') return retry('the smart-card service is not running: start it (systemctl start pcscd.socket)');
    if (answer === 'silent') return retry('the smart-card service does not answer: restart it (systemctl restart pcscd)');
    try {
      openSession(openPcsc());
    } catch (error) {
      retry(`the smart-card service refused: ${messageOf(error)}`);
    }
  }

  function openSession(instance: PcscInstance): void {
    const current: Session = { instance, opened: [], watches: new Map() };
    session = current;
    const ifCurrent = <Said extends unknown[]>(act: (...said: Said) => void) =>
      outsideNative((...said: Said) => {
        if (session === current) act(...said);
      });
    instance.on('error', ifCurrent((error: unknown) => lose(current, messageOf(error))));
    instance.on('reader', (reader: PcscReader) => {
      // Listeners go on at once: the first status may follow in the same turn.
      current.opened.push(reader);
      reader.on('error', ifCurrent((error: unknown) => lose(current, messageOf(error))));
      if (SECURITY_MODULE_SLOT.test(reader.name)) return;
      reader.on('status', ifCurrent((status: { state: number }) => current.watches.get(reader.name)?.onStatus(status.state)));
      reader.on('end', ifCurrent(() => removeReader(current, reader)));
      ifCurrent(() => addReader(current, reader))();
    });
    cancelTimer = clock.after(NO_READER_AFTER_MS, () => tellReaders(current));
  }

  function addReader(current: Session, reader: PcscReader): void {
    const onServiceLost = () => lose(current, 'the smart-card service went away while a badge was read');
    current.watches.set(reader.name, watchReader({ reader, clock, emit: sink, resting, onServiceLost, trust: () => trusted }));
    retryMs = FIRST_RETRY_MS;
    cancelTimer();
    tellReaders(current);
    sink({ event: 'reader', reader: reader.name, state: 'present' });
  }

  function removeReader(current: Session, reader: PcscReader): void {
    void current.watches.get(reader.name)?.stop();
    current.watches.delete(reader.name);
    sink({ event: 'reader', reader: reader.name, state: 'gone' });
    tellReaders(current);
  }

  function lose(current: Session, cause: string): void {
    if (session !== current) return;
    session = undefined;
    cancelTimer();
    for (const name of current.watches.keys()) sink({ event: 'reader', reader: name, state: 'gone' });
    void discard(current);
    retry(isServiceLoss(new Error(cause)) ? 'the smart-card service stopped: it is opened again as soon as it answers' : `the smart-card service failed: ${cause}`);
  }

  /** Tells nothing more of it. For each reader, when no reading of a card is open in it. */
  function leave(current: Session): ReadonlyMap<string, Promise<void>> {
    ignoreFrom(current.instance);
    for (const reader of current.opened) ignoreFrom(reader);
    return new Map([...current.watches].map(([name, watch]) => [name, watch.stop()]));
  }

  async function discard(current: Session): Promise<void> {
    const left = leave(current);
    // Closing ends the instance's threads: each waits for the service, is told a few times to stop, and is then joined on this thread.
    // Told only between two waits it never hears it, so a service that lives is given time to let them all wait again.
    const answer = await probe(PROBE_DEADLINE_MS);
    if (answer === 'silent') return;
    if (answer !== 'down') await new Promise<void>((passed) => clock.after(QUIET_BEFORE_CLOSE_MS, passed));
    current.instance.close();
    await Promise.all(
      current.opened.map(async (reader) => {
        await left.get(reader.name);
        reader.close();
      }),
    );
  }

  void open();

  return {
    async stop() {
      stopped = true;
      cancelTimer();
      const last = session;
      session = undefined;
      // Not closed: the process ends after this, and pcscd cleans up after it without a join that can hang.
      if (last !== undefined) await Promise.all(leave(last).values());
    },
    trust(trust) {
      trusted = trust.authorities.length === 0 ? undefined : cardTrust(trust, clock);
      if (session !== undefined && session.watches.size > 0) tellReaders(session);
    },
    cardPin(reader, uid, pin) {
      if (session === undefined) return Promise.resolve({ ok: false, reason: 'adapter-failing' });
      return session.watches.get(reader)?.provePin(uid, pin) ?? Promise.resolve({ ok: false, reason: 'card-gone' });
    },
  };
}

function trustDetail(trust: CardTrust | undefined): string | undefined {
  if (trust === undefined || trust.unusable === 0) return undefined;
  return `${trust.unusable} of the policy's card authorities cannot be used (no X.509 CA certificate, or one with a critical extension unknown here), and cards under them are refused: mend the policy`;
}

/** Once it is thrown away, what it still says means nothing; an `error` without a listener would end the process. */
function ignoreFrom(source: PcscInstance | PcscReader): void {
  source.removeAllListeners('status').removeAllListeners('error').on('error', () => {});
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
