import type { IpcMain, IpcMainEvent, WebContents } from 'electron';
import { z } from 'zod';
import { kioskRequest } from '../contract/kiosk.ts';
import type { Log } from './log.ts';
import { isKioskAddress } from './protocol.ts';

/** The one channel between the page's preload and the shell, both ways. */
export const KIOSK_CHANNEL = 'dockward';

export type KioskRequestMessage = z.infer<typeof kioskRequest>;

const withId = z.looseObject({ id: z.int().min(1) });

/**
 * Hears the page. A message counts only from the top frame of the kiosk's own window at its own address; others are dropped.
 * From there a malformed one is dropped too, and answered `malformed` (id 0 where it has none).
 */
export function hearPage(ipcMain: IpcMain, contents: WebContents, log: Log, onRequest: (request: KioskRequestMessage) => void): void {
  ipcMain.on(KIOSK_CHANNEL, (event, ...args: unknown[]) => {
    const why = strangerBecause(event, contents);
    if (why !== undefined) return log('warn', 'ipc-stranger', { why });
    const parsed = kioskRequest.safeParse(args[0]);
    if (parsed.success && args.length === 1) return onRequest(parsed.data);
    log('warn', 'ipc-malformed', { at: parsed.error?.issues.map((issue) => issue.path.join('.')) });
    contents.send(KIOSK_CHANNEL, { id: withId.safeParse(args[0]).data?.id ?? 0, ok: false, reason: 'malformed' });
  });
}

function strangerBecause(event: IpcMainEvent, contents: WebContents): string | undefined {
  const frame = event.senderFrame;
  if (event.sender !== contents) return 'another window';
  if (frame === null) return 'a frame that is gone';
  if (frame.parent !== null) return 'not the top frame';
  if (!isKioskAddress(frame.url)) return 'another address';
  return undefined;
}
