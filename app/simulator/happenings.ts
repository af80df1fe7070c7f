import type { Directory } from './directory.ts';
import type { Cart } from './world/cart.ts';
import type { LogLine } from './log-line.ts';

const LINES_KEPT = 240;

export interface Happenings {
  say(kind: LogLine['kind'], text: string): void;
  /** Says what the MDM and the tablets did since the last time. True: something. */
  noticeMdm(): boolean;
  lines(): LogLine[];
  person(id: string): string;
  tablet(serial: string): string;
}

/** What happened in the world, in plain words, newest first. */
export function createHappenings(deps: { cart: Cart; directory: Directory; wallMs: () => number; earlier: readonly LogLine[] }): Happenings {
  const { cart, directory } = deps;
  const lines: LogLine[] = [...deps.earlier];
  const assets = new Map(directory.devices.map((device) => [device.serial, device.asset]));
  const staff = new Map(directory.staff.map((person) => [person.id, person.short]));
  let number = lines[0]?.number ?? 0;
  let operations = cart.mdm.state.operations.length;
  const standing = new Map([...cart.tablets.values()].map((tablet) => [tablet.serial, { rebooting: tablet.rebooting, enrolment: tablet.enrolment, updating: tablet.updating ?? false, patchLevel: tablet.patchLevel }]));

  const tablet = (serial: string): string => assets.get(serial) ?? serial;

  function say(kind: LogLine['kind'], text: string): void {
    lines.unshift({ number: ++number, at: new Date(deps.wallMs()).toISOString(), kind, text });
    lines.length = Math.min(lines.length, LINES_KEPT);
  }

  return {
    say,
    tablet,
    person: (id) => (id === '' ? 'Somebody' : (staff.get(id) ?? id)),
    lines: () => lines,
    noticeMdm() {
      const before = number;
      for (const operation of cart.mdm.state.operations.slice(operations)) {
        const serial = cart.mdm.state.records.find((record) => record.name === operation.device)?.tablet ?? '';
        if (operation.type === 'WIPE') say('wipe', `The MDM has a command to wipe ${tablet(serial)}`);
      }
      operations = cart.mdm.state.operations.length;
      for (const now of cart.tablets.values()) {
        const was = standing.get(now.serial);
        if (was?.updating === false && now.updating) say('update', `${tablet(now.serial)} downloads its system update`);
        if (was?.rebooting === false && now.rebooting && now.updating) say('update', `${tablet(now.serial)} installs it and restarts`);
        if (was?.updating && !now.updating && now.enrolment !== null) say('update', `${tablet(now.serial)} is back ${now.patchLevel === was.patchLevel ? 'with its old system: the update failed' : 'with its new system'}`);
        if (was?.rebooting === false && now.rebooting && !now.updating) say('wipe', `${tablet(now.serial)} is erasing itself`);
        if (was?.rebooting === true && !now.rebooting && now.enrolment === null) say('wipe', `${tablet(now.serial)} has started up empty`);
        if (now.enrolment !== null && now.enrolment !== was?.enrolment) say('enrol', `${tablet(now.serial)} has enrolled again`);
        standing.set(now.serial, { rebooting: now.rebooting, enrolment: now.enrolment, updating: now.updating ?? false, patchLevel: now.patchLevel });
      }
      return number !== before;
    },
  };
}
