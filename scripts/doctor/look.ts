import { connect } from 'node:net';

/** After its first word an adapter is listened to until it has been quiet for so long. */
const QUIET_MS = 700;
const LONGEST_MS = 6_000;
const CONNECT_MS = 1_000;

/**
 * What an adapter tells within a moment of being started: at once where it says that there is nothing to look at, later while
 * something that is known to be there is still `awaited`.
 */
export async function look<Event extends { readonly event: string; readonly state?: string }>(start: (sink: (event: Event) => void) => { stop(): Promise<void> }, awaited: (events: readonly Event[]) => boolean = () => false): Promise<readonly Event[]> {
  const events: Event[] = [];
  const enough = Promise.withResolvers<void>();
  const longest = setTimeout(enough.resolve, LONGEST_MS);
  let quiet: NodeJS.Timeout | undefined;
  const running = start((event) => {
    events.push(event);
    clearTimeout(quiet);
    const isAbsent = event.event === 'adapter' && event.state === 'absent';
    if (isAbsent || !awaited(events)) quiet = setTimeout(enough.resolve, isAbsent ? 0 : QUIET_MS);
  });
  await enough.promise;
  clearTimeout(longest);
  clearTimeout(quiet);
  await running.stop();
  return events;
}

/** Where an adapter said last that it stands. */
export function standingOf<Event extends { readonly event: string }>(events: readonly Event[]): Extract<Event, { event: 'adapter' }> | undefined {
  return events.findLast((event): event is Extract<Event, { event: 'adapter' }> => event.event === 'adapter');
}

/** Whether a socket is connected to: `yes`, or why not, as the system's error code or `SILENT`. */
export function tryConnect(to: { readonly path: string } | { readonly host: string; readonly port: number }): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(to);
    const finish = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => finish('SILENT'));
    socket.once('connect', () => finish('yes'));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}
