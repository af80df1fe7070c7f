import { z } from 'zod';

export const HAPPENINGS = ['tap', 'pull', 'dock', 'wipe', 'enrol', 'update', 'break', 'network', 'clock', 'mischief', 'process', 'reader', 'night'] as const;
/** One thing that happened, in plain words. */
export const logLine = z.strictObject({ number: z.int(), at: z.string(), kind: z.enum(HAPPENINGS), text: z.string() });
export type LogLine = z.infer<typeof logLine>;
