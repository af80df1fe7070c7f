import type { AdapterState, TabletAdapter, TabletEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import { askTablet, listDevices, trackDevices, type AdbFailure } from './adb-connection.ts';
import { parseDevices, type AdbDevice } from './adb-devices.ts';
import { adbRoster } from './adb-roster.ts';
import { startAdbServer, type StartOutcome } from './adb-start.ts';
import { androidFacts, shellLine } from './android-facts.ts';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
/**
 * adb 29 does not tell those who follow its list when a tablet turns out to be unauthorised, nor when one leaves that it could not
 * open; and a server that hangs tells nothing at all. So it is asked as well.
 */
const LIST_EVERY_MS = 1_000;
/** As many as a cart has slots. A list with more is none of adb's. */
const TABLETS_LIMIT = 99;
/** Far above what tablets can cause that come and go; a server that sends more is broken. */
const LISTS_A_SECOND = 100;
const OWN_MACHINE: readonly string[] = ['127.0.0.1', 'localhost', '::1'];

export interface AdbDeps {
  readonly clock: HostClock;
  /** Where the adb server listens; 127.0.0.1:5037 unless told otherwise. */
  readonly host?: string;
  readonly port?: number;
  /** Start the server of this machine when none answers. It then belongs to the user, and is not ended with the adapter. */
  readonly start?: boolean;
  /** The adb program that starts it; `adb` on the PATH unless told otherwise. */
  readonly program?: string;
}

/**
 * Android facts through the adb server, by serial; nothing is ever changed on a tablet. The connection is made anew with
 * back-off (0.25–5 s) for as long as it takes; tablets are `offline` meanwhile.
 */
export function adbTablets({ clock, host = '127.0.0.1', port = 5037, start = false, program = 'adb' }: AdbDeps): TabletAdapter {
  return { name: 'adb', start: (sink) => startAdb({ clock, host, port, start: start && OWN_MACHINE.includes(host), program }, sink) };
}

function startAdb({ clock, host, port, start, program }: Required<AdbDeps>, sink: (event: TabletEvent) => void): { stop(): Promise<void> } {
  const at = { clock, address: { host, port } };
  const roster = adbRoster({
    clock,
    sink,
    ask: (serial, question, done) => askTablet(at, serial, shellLine(question), (answer) => done(answer.ok ? androidFacts(question, answer.value) : answer)),
  });
  let retryMs = FIRST_RETRY_MS;
  let told = '';
  let stopped = false;
  /** Ends the connection, the starting of a server or the wait, whichever there is. */
  let halt = () => {};

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told) return;
    told = telling;
    sink({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) });
  }

  function retry(): void {
    halt = clock.after(retryMs, connect);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  }

  function connect(): void {
    const connectedMs = clock.monoMs();
    let secondMs = connectedMs;
    let listsThisSecond = 0;
    /** Lists that were told unasked. */
    let pushed = 0;
    let ended = false;
    /** Ends the question for the list, or the wait for the next. */
    let haltAsking = () => {};

    function finish(cause?: AdbFailure): void {
      if (ended) return;
      ended = true;
      haltAsking();
      endTracking();
      if (cause === undefined) return;
      if (pushed > 0 && clock.monoMs() - connectedMs >= LONGEST_RETRY_MS) retryMs = FIRST_RETRY_MS;
      roster.lost();
      failed(cause);
    }

    function onList(list: string): void {
      const now = clock.monoMs();
      if (now - secondMs >= 1_000) [secondMs, listsThisSecond] = [now, 0];
      listsThisSecond += 1;
      const devices = parseDevices(list);
      if (listsThisSecond > LISTS_A_SECOND || devices.length > TABLETS_LIMIT) return finish('malformed');
      tellState('working', permissionsMissing(devices));
      roster.list(devices);
    }

    function onPushed(list: string): void {
      if (ended) return;
      pushed += 1;
      onList(list);
      if (pushed === 1 && !ended) haltAsking = clock.after(LIST_EVERY_MS, askForList);
    }

    function askForList(): void {
      const before = pushed;
      haltAsking = listDevices(at, (answer) => {
        if (!answer.ok && (answer.reason === 'silent' || answer.reason === 'malformed')) return finish(answer.reason);
        // What was pushed meanwhile may be newer than the answer.
        if (answer.ok && before === pushed) onList(answer.value);
        if (!ended) haltAsking = clock.after(LIST_EVERY_MS, askForList);
      });
    }

    const endTracking = trackDevices(at, onPushed, finish);
    halt = () => finish();
  }

  function failed(cause: AdbFailure): void {
    if (stopped) return;
    if (cause !== 'nobody' || !start) {
      tellState(cause === 'nobody' ? 'absent' : 'failing', detailOf(cause, `${host}:${port}`));
      return retry();
    }
    halt = startAdbServer(clock, program, port, (outcome) => {
      if (outcome.outcome !== 'started') tellState(outcome.outcome === 'no-program' ? 'absent' : 'failing', startDetail(outcome, program));
      retry();
    });
  }

  connect();

  return {
    stop() {
      stopped = true;
      halt();
      roster.stop();
      return Promise.resolve();
    },
  };
}

function permissionsMissing(devices: readonly AdbDevice[]): string | undefined {
  const count = devices.filter(({ state }) => state === 'no-permission').length;
  if (count === 0) return undefined;
  const who = count === 1 ? 'one tablet' : `${count} tablets`;
  return `${who} may not be opened by the adb server: install the udev rule for Android tablets, put its user into the group it names, unplug and replug`;
}

function detailOf(cause: AdbFailure, place: string): string {
  switch (cause) {
    case 'nobody':
      return `no adb server answers on ${place}: start it (adb start-server); until then Android tablets tell nothing but their USB serial`;
    case 'lost':
      return `the adb server on ${place} went away: it is asked again until it answers`;
    case 'silent':
      return `the adb server on ${place} does not answer: restart it (adb kill-server, then adb start-server)`;
    case 'denied':
      return `the adb server on ${place} refuses to list its tablets: install a newer adb and restart it`;
    case 'malformed':
    case 'too-long':
      return `what answers on ${place} does not speak adb's protocol: find it (ss -tlnp), stop it, then start adb (adb start-server)`;
  }
}

function startDetail(outcome: StartOutcome, program: string): string {
  switch (outcome.outcome) {
    case 'started':
      return 'the adb server has been started';
    case 'no-program':
      return `the program ${program} cannot be run: install it (apt-get install adb) or set its path`;
    case 'silent':
      return 'the adb server did not start in ten seconds: look for one that hangs (pgrep -a adb) and end it';
    case 'refused':
      return `the adb server could not be started: ${outcome.said}`;
  }
}
