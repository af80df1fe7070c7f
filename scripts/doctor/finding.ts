/** How much it matters: there as needed; needed and not there; worth knowing, and the cart works without. */
export type Grade = 'ok' | 'missing' | 'optional';

/** One thing about this machine as a cart. */
export interface Finding {
  readonly grade: Grade;
  readonly what: string;
  /** What it means for the cart and the people at it. */
  readonly meaning?: string;
  /** Commands to run, lines to write or things to do, in this order. */
  readonly mend?: readonly string[];
}

export interface Group {
  readonly name: string;
  readonly findings: readonly Finding[];
}

const GRADE_WIDTH = 10;

export const ok = (what: string, meaning?: string): Finding => ({ grade: 'ok', what, ...(meaning === undefined ? {} : { meaning }) });

export const missing = (what: string, meaning: string, mend: readonly string[]): Finding => ({ grade: 'missing', what, meaning, mend });

export function optional(what: string, meaning?: string, mend: readonly string[] = []): Finding {
  return { grade: 'optional', what, ...(meaning === undefined ? {} : { meaning }), ...(mend.length === 0 ? {} : { mend }) };
}

/** `missing` where the cart needs it, otherwise `optional`: said the same, judged differently. */
export function lacking(isNeeded: boolean, what: string, meaning: string, mend: readonly string[]): Finding {
  return isNeeded ? missing(what, meaning, mend) : optional(what, meaning, mend);
}

/** All of it as text for a person in front of the cart. */
export function report(heading: readonly string[], groups: readonly Group[]): string {
  const count = missingIn(groups);
  const verdict = count === 0 ? 'Nothing that this cart needs is missing.' : `${count} ${count === 1 ? 'thing' : 'things'} that this cart needs ${count === 1 ? 'is' : 'are'} missing.`;
  return `${[...heading, ...groups.flatMap(groupLines), '', verdict].join('\n')}\n`;
}

export function missingIn(groups: readonly Group[]): number {
  return groups.flatMap(({ findings }) => findings).filter(({ grade }) => grade === 'missing').length;
}

function groupLines({ name, findings }: Group): string[] {
  return ['', name, ...findings.flatMap(findingLines)];
}

function findingLines({ grade, what, meaning, mend = [] }: Finding): string[] {
  const below = ' '.repeat(2 + GRADE_WIDTH);
  return [`  ${grade.padEnd(GRADE_WIDTH)}${what}`, ...(meaning === undefined ? [] : [`${below}${meaning}`]), ...mend.map((step) => `${below}→ ${step}`)];
}
