import { mdmsView, mdmTried } from '../contract/mdm.ts';
import type { MdmKind, MdmOrder, MdmsView, MdmTried } from '../contract/mdm.ts';
import { ask, read } from './api.ts';
import type { Answer, Reading } from './api.ts';

/** The server asks the MDM before it answers, and waits ten seconds for each of its answers. */
const PATIENCE_MS = 40_000;

export async function readMdms(): Promise<Reading<MdmsView>> {
  return read('/api/mdms', mdmsView, {});
}

/** One harmless request with these settings; nothing is kept. */
export async function tryMdm(order: MdmOrder): Promise<Answer<MdmTried>> {
  return ask('/api/mdms/try', mdmTried, { method: 'POST', body: order, patienceMs: PATIENCE_MS });
}

export async function useMdm(order: MdmOrder): Promise<Answer<MdmsView>> {
  return ask('/api/mdms/use', mdmsView, { method: 'POST', body: order, patienceMs: PATIENCE_MS });
}

export async function removeMdm(kind: MdmKind): Promise<Answer<MdmsView>> {
  return ask('/api/mdms/remove', mdmsView, { method: 'POST', body: { kind }, patienceMs: PATIENCE_MS });
}
