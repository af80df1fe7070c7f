import type { SlotState } from '../../app/contract/device-host.ts';
import type { SlotEvent } from '../../native/adapters.ts';

/** What is told of the slots, for tests in which the kernel's count of attachments says nothing: `usb-attachments.test.ts` is about it. */
export function leavingOutAttachments(event: SlotEvent): SlotEvent {
  if (event.event === 'slots') return { ...event, slots: event.slots.map(stateWithoutAttachment) };
  return event.event === 'slot' ? { event: 'slot', ...stateWithoutAttachment(event) } : event;
}

export function stateWithoutAttachment({ slot, present, serial, battery }: SlotState): SlotState {
  return { slot, present, ...(serial === undefined ? {} : { serial }), ...(battery === undefined ? {} : { battery }) };
}
