import type { TabletEvent } from '../../../native/adapters.ts';
import { systemClock, type HostClock } from '../../../native/clock.ts';
import { adbTablets, type AdbDeps } from '../../../native/tablets/adb.ts';
import { waitFor } from '../pcsc/wait-for.ts';

type TabletTold = Extract<TabletEvent, { event: 'tablet' }>;
type StateTold = Extract<TabletEvent, { event: 'adapter' }>;

/** The adapter at work, and all that it told. */
export interface WatchedAdapter {
  readonly events: readonly TabletEvent[];
  /** What was told of one tablet, in order. */
  of(serial: string): readonly TabletTold[];
  standings(serial: string): readonly string[];
  states(): readonly StateTold[];
  /** Waits until the last that was told of the tablet is this. */
  until(serial: string, standing: TabletTold['standing']): Promise<TabletTold>;
  stop(): Promise<void>;
}

export function watchedAdapter(deps: Omit<AdbDeps, 'clock'> & { readonly clock?: HostClock }): WatchedAdapter {
  const events: TabletEvent[] = [];
  const running = adbTablets({ clock: systemClock, ...deps }).start((event) => events.push(event));
  const of = (serial: string) => events.filter((event): event is TabletTold => event.event === 'tablet' && event.serial === serial);
  return {
    events,
    of,
    standings: (serial) => of(serial).map(({ standing }) => standing),
    states: () => events.filter((event): event is StateTold => event.event === 'adapter'),
    until: (serial, standing) =>
      waitFor(`${serial} to be ${standing}`, () => {
        const last = of(serial).at(-1);
        return last?.standing === standing ? last : undefined;
      }),
    stop: () => running.stop(),
  };
}
