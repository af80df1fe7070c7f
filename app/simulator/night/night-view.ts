import { z } from 'zod';

export const DEFAULT_SPEED = 120;
export const MOST_SPEED = 300;

/** `day`: until the late shift; `hands`: it takes its tablets; `night`: the evening and the night; `over`: the last one played. */
export const NIGHT_PHASES = ['day', 'hands', 'night', 'over'] as const;
export type NightPhase = (typeof NIGHT_PHASES)[number];

/** Why time runs at its own pace for a moment: what takes real seconds would look like long minutes. */
export const HOLDS = ['hands', 'power', 'process', 'network', 'port'] as const;
export type Hold = (typeof HOLDS)[number];

const count = z.int().min(0);

/** What is drawn on the night's strip. */
export const NIGHT_MARKS = ['network-down', 'network-up', 'power', 'stuck'] as const;

/** A night that is being played, as it truly goes. */
export const nightView = z.strictObject({
  phase: z.enum(NIGHT_PHASES),
  bad: z.boolean(),
  seed: z.int(),
  from: z.string().describe('When the cart begins to plan, ISO 8601.'),
  shift: z.string().describe('When the tablets are needed, ISO 8601.'),
  until: z.string().describe('When time runs at its own pace again, ISO 8601.'),
  speed: z.int().min(1).describe('World seconds to a real one, now.'),
  held: z.enum(HOLDS).nullable(),
  wards: z.array(z.strictObject({ name: z.string(), needed: count, clean: count, metAt: z.string().nullable().describe('Since when it has what it needs, ISO 8601.') })),
  marks: z.array(z.strictObject({ at: z.string(), kind: z.enum(NIGHT_MARKS) })).describe('What went wrong, oldest first.'),
  tablets: z.strictObject({ clean: count, underWay: count, owed: count, stuck: count, out: count }).describe('`stuck`: cannot be reached, whatever anybody asks of it.'),
});
export type NightView = z.infer<typeof nightView>;
