import type { HostEvent } from '../contract/device-host.ts';
import type { StationContext } from './state.ts';

/** What hub and tablets measured or told of themselves, kept with its age. None of it is proof of anything. */
export function createNoteReadings({ deps: { clock }, state }: StationContext): {
  port(event: Extract<HostEvent, { event: 'port' }>): void;
  tablet(event: Extract<HostEvent, { event: 'tablet' }>): void;
} {
  return {
    port: ({ slot, reading, monoMs, readMonoMs }) => void state.ports.set(slot, { reading, readMonoMs: clock.monoMs() - (monoMs - readMonoMs) }),
    /** One that stops answering keeps what it said last, with its age, until it is gone. */
    tablet: ({ monoMs, serial, source, standing, readMonoMs, facts }) => {
      const last = state.tablets.get(serial);
      if (standing === 'gone') state.tablets.delete(serial);
      else if (standing === 'read' || !last) state.tablets.set(serial, { source, standing, facts, readMonoMs: clock.monoMs() - (monoMs - readMonoMs) });
      else state.tablets.set(serial, { ...last, standing });
    },
  };
}
