import { tabletFacts, type TabletFacts } from '../../app/contract/device-host.ts';
import { LOCKDOWN_PORT, readPairRecord, startLockdownSession, type LockdownSession } from './apple-lockdown.ts';
import type { PlistValue } from './plist.ts';
import { openUsbmux, type AttachedTablet, type UsbmuxAddress } from './usbmux-client.ts';

/** Everything, or only what changes by the minute. */
export type Extent = 'whole' | 'battery';
export type TabletReading = { readonly standing: 'read'; readonly facts: TabletFacts } | { readonly standing: 'unauthorised' | 'offline' | 'unreadable' };

type Fact = keyof TabletFacts;
interface Question {
  readonly fact: Fact;
  readonly key: string;
  readonly domain?: string;
}

const BATTERY_QUESTIONS: readonly Question[] = [
  { fact: 'batteryPercent', key: 'BatteryCurrentCapacity', domain: 'com.apple.mobile.battery' },
  { fact: 'charging', key: 'BatteryIsCharging', domain: 'com.apple.mobile.battery' },
];
/** Asked one by one: a tablet asked for all it has would also tell its name, its numbers and its networks. */
const WHOLE_QUESTIONS: readonly Question[] = [
  { fact: 'model', key: 'ProductType' },
  { fact: 'osVersion', key: 'ProductVersion' },
  { fact: 'build', key: 'BuildVersion' },
  { fact: 'activation', key: 'ActivationState' },
  { fact: 'provisioned', key: 'SetupDone', domain: 'com.apple.purplebuddy' },
  ...BATTERY_QUESTIONS,
];

/**
 * Asks one tablet once, over connections of its own, and changes nothing: it never pairs. A tablet that does not trust this
 * computer tells nothing. Settles soon after `signal` is given, whatever the tablet does.
 */
export async function readTablet(address: UsbmuxAddress, tablet: AttachedTablet, extent: Extent, signal: AbortSignal): Promise<TabletReading> {
  const opened = await openUsbmux(address, signal);
  if (!opened.ok) return { standing: 'unreadable' };
  const usbmux = opened.value;
  try {
    const kept = await usbmux.pairRecord(tablet.udid);
    if (!kept.ok) return { standing: 'unreadable' };
    const record = kept.value === undefined ? undefined : readPairRecord(kept.value);
    if (record === undefined) return { standing: 'unauthorised' };
    const bare = await usbmux.connect(tablet.deviceId, LOCKDOWN_PORT);
    if (!bare.ok) return { standing: bare.reason === 'refused-port' ? 'offline' : 'unreadable' };
    const session = await startLockdownSession(bare.value, record);
    if (!session.ok) return { standing: session.reason === 'not-trusted' ? 'unauthorised' : 'unreadable' };
    try {
      return await factsOf(session.value, tablet, extent);
    } finally {
      session.value.close();
    }
  } finally {
    usbmux.close();
  }
}

async function factsOf(session: LockdownSession, tablet: AttachedTablet, extent: Extent): Promise<TabletReading> {
  const self = await session.value('UniqueDeviceID');
  // Facts go by serial: those of a tablet that is not the one asked for are nobody's.
  if (!self.ok || self.value !== tablet.udid) return { standing: 'unreadable' };
  const facts: Partial<Record<Fact, PlistValue>> = extent === 'whole' ? { manufacturer: 'Apple' } : {};
  for (const { fact, key, domain } of extent === 'whole' ? WHOLE_QUESTIONS : BATTERY_QUESTIONS) {
    const answer = await session.value(key, domain);
    if (!answer.ok) return { standing: 'unreadable' };
    // One that cannot be true is not told; the others still are.
    if (tabletFacts.shape[fact].safeParse(answer.value).success && answer.value !== undefined) facts[fact] = answer.value;
  }
  return { standing: 'read', facts: tabletFacts.parse(facts) };
}
