import type { MdmCommand, MdmEnrolment } from '../../../domain/mdm-evidence.ts';
import type { NanomdmEvent, Report } from './events.ts';

/** A command as it was written down before it went out. `askedAtMs`, `pushedAtMs`, `expiresAtMs`: this server's clock. */
export interface IssuedCommand {
  readonly command: string;
  readonly device: string;
  readonly enrolment: string;
  readonly kind: 'erase' | 'question' | 'lock' | 'lost-mode' | 'end-of-lost-mode';
  readonly round?: number;
  readonly question?: Question;
  readonly notBeforeMdmMs: number;
  readonly askedAtMs: number;
  readonly expiresAtMs?: number;
  readonly pushedAtMs: number;
  readonly taken: boolean;
}

/** In the order in which they are queued: NanoMDM hands commands out first in, first out, so the last answer speaks for the queue. */
export const QUESTIONS = ['DeviceInformation', 'SecurityInfo', 'ProfileList', 'InstalledApplicationList', 'CertificateList'] as const;
export type Question = (typeof QUESTIONS)[number];
const LAST_QUESTION: Question = 'CertificateList';

type Answer = Extract<NanomdmEvent, { kind: 'answer' }>;

/** From one Authenticate of a tablet to its next. */
export interface Life {
  /** The UDID outlives an erase, so the enrolment is told apart by its Authenticate. */
  readonly enrolment: string;
  readonly device: string;
  readonly serial: string;
  readonly authenticatedMdmMs: number;
  readonly endedMdmMs: number | undefined;
  readonly tokenUpdated: boolean;
  readonly unlockToken: boolean;
  readonly checkedOut: boolean;
  /** NanoMDM counted an enrolment whose Authenticate never arrived here: this life is over, and nobody knows for how long. */
  readonly overtaken: boolean;
  /** By command: the latest. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** Of one device: its lives, oldest first, and what it was ever sent. */
export interface Known {
  readonly lives: readonly Life[];
  readonly commands: readonly IssuedCommand[];
}

/** The lives of one device, oldest first. An event at the very time of an Authenticate belongs to no life. */
export function livesOf(events: readonly NanomdmEvent[]): Life[] {
  const inOrder = [...events].sort((a, b) => a.atMdmMs - b.atMdmMs || (a.digest < b.digest ? -1 : 1));
  const starts = inOrder.filter((event) => event.kind === 'authenticate');
  return starts.map((start, index) => {
    const endedMdmMs = starts[index + 1]?.atMdmMs;
    const during = inOrder.filter((event) => event.atMdmMs > start.atMdmMs && event.atMdmMs < (endedMdmMs ?? Number.POSITIVE_INFINITY));
    const tokens = during.filter((event) => event.kind === 'token-update');
    const answers = new Map<string, Answer>();
    for (const event of during) if (event.kind === 'answer') answers.set(event.command, event);
    return {
      enrolment: `${start.device}/${start.digest.slice(0, 16)}`,
      device: start.device,
      serial: start.serial,
      authenticatedMdmMs: start.atMdmMs,
      endedMdmMs,
      tokenUpdated: tokens.length > 0,
      unlockToken: tokens.some((token) => token.unlockToken),
      checkedOut: during.some((event) => event.kind === 'check-out'),
      overtaken: tokens.some((token, at) => token.tally !== undefined && token.tally <= (tokens[at - 1]?.tally ?? 0)),
      answers,
    };
  });
}

const isFinal = (answer: Answer | undefined): boolean => answer !== undefined && answer.status !== 'NotNow';

/**
 * What became of a command. Only the life it was issued to can confirm it: acknowledged in a later one, it was replayed.
 * `issuedMdmMs` is the latest time of NanoMDM's clock known before it went out, so no later than the true one.
 */
export function commandOf(issued: IssuedCommand, lives: readonly Life[], nowMs: number): MdmCommand {
  const answer = lives.find((life) => life.enrolment === issued.enrolment)?.answers.get(issued.command);
  const common = { command: issued.command, enrolment: issued.enrolment, issuedMdmMs: issued.notBeforeMdmMs };
  if (answer?.status === 'Acknowledged') return { ...common, state: 'confirmed', confirmedMdmMs: answer.atMdmMs };
  if (isFinal(answer)) return { ...common, state: 'failed' };
  // Given up by us. NanoMDM knows no expiry: the command stays in its queue until the tablet fetches it or enrols anew.
  return { ...common, state: issued.expiresAtMs !== undefined && nowMs > issued.expiresAtMs ? 'expired' : 'pending' };
}

/** Lives that ended after the tablet had acknowledged this erase (or, without one, any erase of ours) in them: only so is the next life caused by it. */
function endedByErase({ lives, commands }: Known, cause?: string): string[] {
  const erases = commands.filter((command) => command.kind === 'erase' && (cause === undefined || command.command === cause));
  const acknowledged = (life: Life): boolean => erases.some((erase) => erase.enrolment === life.enrolment && life.answers.get(erase.command)?.status === 'Acknowledged');
  return lives.filter((life) => life.endedMdmMs !== undefined && acknowledged(life)).map((life) => life.enrolment);
}

/** The newest round of questions that this life has answered whole: what it told, the time of its first answer, and when we asked. */
function newestReport(life: Life, commands: readonly IssuedCommand[]): { readonly told: Report; readonly atMdmMs: number; readonly askedAtMs: number } | undefined {
  const rounds = [...new Set(questionsTo(life, commands).map((command) => command.round ?? 0))].sort((a, b) => b - a);
  for (const round of rounds) {
    const asked = questionsTo(life, commands).filter((command) => command.round === round);
    const answers = asked.flatMap((command) => life.answers.get(command.command) ?? []).filter((answer) => answer.status === 'Acknowledged');
    if (asked.length !== QUESTIONS.length || answers.length !== QUESTIONS.length) continue;
    return {
      told: answers.reduce<Report>((told, answer) => ({ ...told, ...answer.report }), {}),
      atMdmMs: Math.min(...answers.map((answer) => answer.atMdmMs)),
      askedAtMs: Math.min(...asked.map((command) => command.askedAtMs)),
    };
  }
  return undefined;
}

export const questionsTo = (life: Life, commands: readonly IssuedCommand[]): IssuedCommand[] =>
  commands.filter((command) => command.kind === 'question' && command.enrolment === life.enrolment);

/**
 * Commands that still wait for this life, as far as can be known: NanoMDM's queue cannot be asked. The last question of
 * a round, once acknowledged, says that everything queued before it was handed out; what the tablet put off (`NotNow`)
 * stays queued. Never 0 without such an answer.
 */
function pendingCommands(life: Life, commands: readonly IssuedCommand[]): number {
  const last = questionsTo(life, commands)
    .filter((command) => command.question === LAST_QUESTION && life.answers.get(command.command)?.status === 'Acknowledged')
    .reduce((latest, command) => Math.max(latest, command.askedAtMs), Number.NEGATIVE_INFINITY);
  const putOff = [...life.answers.values()].filter((answer) => answer.status === 'NotNow').length;
  const others = commands.filter((command) => command.kind !== 'question' && command.enrolment === life.enrolment && command.askedAtMs >= last);
  return (Number.isFinite(last) ? 0 : 1) + putOff + others.filter((command) => !isFinal(life.answers.get(command.command))).length;
}

/** What a hospital declares of its NanoMDM and its tablets, because neither can be asked. */
export interface Reading {
  /** Ward profile → what must be on a tablet that has it. */
  readonly profiles: Readonly<Record<string, { readonly profile: string; readonly applications: readonly string[] }>>;
  /** Oldest iPadOS that is at the floor, `26.1`. */
  readonly osFloor: string;
  /** NanoMDM's storage keeps one certificate per tablet, so that a new Authenticate ends the one before. */
  readonly pinsOneCertificate: boolean;
  /** The enrolment profile grants the right to lock and to remove passcodes: tablets then hand out unlock tokens, which NanoMDM keeps. */
  readonly grantsPasscodeRemoval: boolean;
  /** An erased iPad starts from its sealed system, so that no jailbreak outlives the erase. */
  readonly eraseEndsJailbreak: boolean;
}

/**
 * One life of a device as the rules want it. `isFresh`: whether what was asked then may still be told. `cause`: the erase
 * that alone may have led to it. What was not told counts as bad.
 */
export function enrolmentOf(life: Life, known: Known, reading: Reading, isFresh: (askedAtMs: number) => boolean, cause?: string): MdmEnrolment {
  const { lives, commands } = known;
  const earlier = lives.slice(0, lives.indexOf(life)).map((one) => one.enrolment);
  const ended = endedByErase(known, cause);
  const answered = newestReport(life, commands);
  const report = answered && isFresh(answered.askedAtMs) ? answered : undefined;
  const told = report?.told;
  return {
    enrolment: life.enrolment,
    serial: life.serial,
    previous: earlier.filter((enrolment) => ended.includes(enrolment)),
    enrolledMdmMs: life.authenticatedMdmMs,
    state: stateOf(life, known, reading),
    ...(report ? { reportedMdmMs: report.atMdmMs } : {}),
    ...profileOf(told, reading),
    compliant: told?.supervised === true && told.secure === true && told.lostMode === false,
    osAtFloor: told?.osVersion !== undefined && isAtLeast(told.osVersion, reading.osFloor),
    rooted: !(reading.eraseEndsJailbreak && told !== undefined && ended.some((enrolment) => earlier.at(-1) === enrolment)),
    // iPadOS has none.
    adbEnabled: false,
    pendingCommands: pendingCommands(life, commands),
    unlockTokenKept: life.unlockToken,
  };
}

function stateOf(life: Life, { lives, commands }: Known, reading: Reading): MdmEnrolment['state'] {
  const newest = lives.at(-1);
  if (life === newest) {
    if (life.checkedOut || life.overtaken) return 'disabled';
    return life.tokenUpdated ? 'active' : 'provisioning';
  }
  return newest && reading.pinsOneCertificate && hasOtherCertificate(life, newest, commands) ? 'deleted' : 'disabled';
}

/** True if both lives showed their identity certificates and share none: NanoMDM, which took the new one, then refuses the old. */
function hasOtherCertificate(old: Life, current: Life, commands: readonly IssuedCommand[]): boolean {
  const before = identitiesOf(old, commands);
  const now = identitiesOf(current, commands);
  return current.tokenUpdated && before.length > 0 && now.length > 0 && !before.some((identity) => now.includes(identity));
}

function identitiesOf(life: Life, commands: readonly IssuedCommand[]): string[] {
  return questionsTo(life, commands)
    .filter((command) => command.question === 'CertificateList')
    .flatMap((command) => life.answers.get(command.command)?.report.identities ?? []);
}

/** The one ward profile that is there with all its applications; two of them are none. */
function profileOf(told: Report | undefined, reading: Reading): { readonly profile?: string } {
  const present = Object.entries(reading.profiles).filter(([, wanted]) => told?.profiles?.includes(wanted.profile));
  const [only] = present;
  if (!only || present.length > 1) return {};
  return only[1].applications.every((application) => told?.applications?.includes(application)) ? { profile: only[0] } : {};
}

export function isAtLeast(version: string, floor: string): boolean {
  if (!/^\d+(\.\d+){0,3}$/.test(version)) return false;
  const [have, want] = [version, floor].map((text) => text.split('.').map(Number));
  for (let part = 0; part < 4; part += 1) {
    const difference = (have?.[part] ?? 0) - (want?.[part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
