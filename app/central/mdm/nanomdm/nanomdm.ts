import { randomUUID } from 'node:crypto';
import type { MdmObservation } from '../../../domain/mdm-evidence.ts';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { GateLeafName } from '../../../domain/terms.ts';
import type { CredentialUsed, MdmAdapter, MdmRefusal, ReceiveWebhook } from '../adapter.ts';
import { createNanomdmApi } from './api.ts';
import { commandPlist, deviceLock, disableLostMode, enableLostMode, eraseDevice, question, uuidOf, type ReturnToService } from './commands.ts';
import { isSigned, readEvent } from './events.ts';
import { commandOf, enrolmentOf, livesOf, QUESTIONS, questionsTo, type IssuedCommand, type Known, type Life, type Reading } from './lives.ts';
import type { PlistDict } from './plist.ts';
import type { NanomdmStore } from './store.ts';

export interface NanomdmOptions extends Reading {
  readonly baseUrl: string;
  /** Read at each use. */
  readonly apiKey: () => Promise<string>;
  /** The value of NanoMDM's `-webhook-hmac-key`. Read at each use. */
  readonly webhookKey: () => Promise<string>;
  readonly returnToService: ReturnToService;
  readonly store: NanomdmStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
  readonly used?: CredentialUsed;
  readonly pace?: NanomdmPace;
}

/** Milliseconds of this server's clock. */
export interface NanomdmPace {
  /** A tablet that owes an answer is woken this often. */
  readonly pushEveryMs: number;
  /** Questions without an answer are asked anew after this: the answers may have been lost on the way. */
  readonly answerPatienceMs: number;
  /** Answers to questions older than this are not told again; the tablet is asked anew. */
  readonly reportFreshMs: number;
}
const PACE: NanomdmPace = { pushEveryMs: 60_000, answerPatienceMs: 3_600_000, reportFreshMs: 600_000 };

/**
 * NanoMDM (Apple MDM). It can be told, and not asked: what it knows comes through its webhook and is kept in `store`,
 * and every observation asks the tablet itself, by commands. Grade E2: a new Authenticate and TokenUpdate of the same
 * serial, later in NanoMDM's own clock than the tablet's acknowledgement of this very erase.
 */
export function createNanomdm(options: NanomdmOptions): { readonly adapter: MdmAdapter; readonly receiveWebhook: ReceiveWebhook } {
  const { store, now, pace = PACE, used = () => {} } = options;
  const api = createNanomdmApi({ baseUrl: options.baseUrl, apiKey: options.apiKey, fetch: options.fetch ?? fetch, now, timeoutMs: options.timeoutMs ?? 10_000, used });
  const applications = [...new Set(Object.values(options.profiles).flatMap((profile) => profile.applications))];
  const isFresh = (askedAtMs: number): boolean => now() - askedAtMs <= pace.reportFreshMs;

  async function know(device: string): Promise<Known> {
    const [events, commands] = await Promise.all([store.events(device), store.commands(device)]);
    return { lives: livesOf(events), commands };
  }

  const newestOf = ({ lives }: Known): Life | undefined => lives.at(-1);

  /** What is known of every device that ever enrolled under this serial; that with the newest life of this serial last. */
  async function knowSerial(serial: string): Promise<Known[]> {
    const known = await Promise.all((await store.devicesOf(serial)).map(know));
    const newestMs = (one: Known): number => (newestOf(one)?.serial === serial ? (newestOf(one)?.authenticatedMdmMs ?? 0) : 0);
    return known.sort((a, b) => newestMs(a) - newestMs(b));
  }

  async function send(command: IssuedCommand, body: PlistDict, purpose: string, push = true): Promise<Result<void, MdmRefusal>> {
    const told = await api.enqueue(command.device, commandPlist(command.command, body), { purpose, push });
    if (!told.ok) return told;
    await store.taken(command.command);
    return ok(undefined);
  }

  function written(life: Life, command: Pick<IssuedCommand, 'command' | 'kind'> & Partial<IssuedCommand>): IssuedCommand {
    const at = now();
    const notBeforeMdmMs = [...life.answers.values()].reduce((latest, answer) => Math.max(latest, answer.atMdmMs), life.authenticatedMdmMs);
    return { device: life.device, enrolment: life.enrolment, notBeforeMdmMs, askedAtMs: at, pushedAtMs: at, taken: false, ...command };
  }

  /** Wakes a tablet that owes an answer. A push that fails is told, because an expired push certificate shows nowhere else; the next look tries again. */
  async function wake(device: string, waiting: readonly IssuedCommand[]): Promise<Result<void, MdmRefusal>> {
    if (waiting.every((command) => now() - command.pushedAtMs < pace.pushEveryMs)) return ok(undefined);
    await store.pushed(device, now());
    return api.push(device);
  }

  /** Asks a tablet what only it can tell, unless it was asked a moment ago. */
  async function ask(life: Life, known: Known): Promise<Result<void, MdmRefusal>> {
    const asked = questionsTo(life, known.commands);
    const round = Math.max(0, ...asked.map((command) => command.round ?? 0));
    const latest = asked.filter((command) => command.round === round);
    const askedAtMs = latest[0]?.askedAtMs ?? Number.NEGATIVE_INFINITY;
    const owed = latest.filter((command) => life.answers.get(command.command)?.status !== 'Acknowledged');
    if (owed.length > 0 && now() - askedAtMs < pace.answerPatienceMs) {
      const unsent = owed.filter((command) => !command.taken);
      return unsent.length > 0 ? put(unsent) : wake(life.device, owed);
    }
    if (owed.length === 0 && isFresh(askedAtMs)) return ok(undefined);
    const next = QUESTIONS.map((one) => written(life, { command: uuidOf(life.enrolment, `${round + 1}`, one), kind: 'question', round: round + 1, question: one }));
    return (await store.intend(next)) ? put(next) : ok(undefined);
  }

  /** Queues questions in their order; the tablet is woken for the last. */
  async function put(questions: readonly IssuedCommand[]): Promise<Result<void, MdmRefusal>> {
    for (const command of questions) {
      const sent = await send(command, question(command.question ?? 'DeviceInformation', applications), 'question', command === questions.at(-1));
      if (!sent.ok) return sent;
    }
    return ok(undefined);
  }

  /** A command to the tablet's present life, and to no other. */
  async function order(enrolment: string, kind: IssuedCommand['kind'], body: PlistDict): Promise<Result<void, MdmRefusal>> {
    const known = await know(deviceOf(enrolment));
    const life = newestOf(known);
    if (life?.enrolment !== enrolment || life.checkedOut) return refused({ reason: 'not-found', detail: `${enrolment} is not enrolled any more: nothing was sent` });
    const command = written(life, { command: randomUUID(), kind });
    await store.intend([command]);
    return send(command, body, kind);
  }

  const adapter: MdmAdapter = {
    name: 'nanomdm',
    maximumGrade: 'E2',
    unreachable: unreachableWith(options),

    async findEnrolment(serial) {
      const known = (await knowSerial(serial)).at(-1);
      const life = known && newestOf(known);
      if (!known || !life || !isHere(life, serial)) {
        return refused({ reason: 'not-found', detail: `NanoMDM has not told of an enrolment of ${serial}: enrol the tablet while its webhook leads here` });
      }
      const asked = await ask(life, known);
      if (!asked.ok) return asked;
      const found = enrolmentOf(life, known, options, isFresh);
      // One whose successor was not seen can still be wiped: commands go to the device. Nothing is told of it.
      return ok(life.overtaken ? { ...withoutReport(found), state: 'active' } : found);
    },

    async wipe({ request, serial, enrolment, expiresInMs }) {
      const device = deviceOf(enrolment);
      const uuid = uuidOf('erase', request);
      const known = await know(device);
      const life = newestOf(known);
      const earlier = await store.command(uuid);
      const answered = known.lives.some((one) => one.answers.has(uuid));
      if (earlier && (earlier.taken || answered || life?.enrolment !== earlier.enrolment)) return ok(commandOf(earlier, known.lives, now()));
      if (!life || life.enrolment !== enrolment || life.serial !== serial || life.checkedOut) {
        return refused({ reason: 'rejected', detail: `${enrolment} is not the present enrolment of the tablet with the serial number ${serial}: nothing was wiped` });
      }
      const command = earlier ?? written(life, { command: uuid, kind: 'erase', expiresAtMs: now() + expiresInMs });
      if (!earlier) await store.intend([command]);
      const sent = await send(command, eraseDevice(options.returnToService), 'wipe');
      return sent.ok ? ok(commandOf(command, known.lives, now())) : sent;
    },

    async observe({ serial, previous, command }): Promise<Result<MdmObservation, MdmRefusal>> {
      const issued = await store.command(command);
      if (!issued) return refused({ reason: 'not-found', detail: `the command ${command} was never sent` });
      const known = await knowSerial(serial);
      const own = known.find((one) => one.lives.some((life) => life.enrolment === previous)) ?? (await know(issued.device));
      const state = commandOf(issued, own.lives, now());
      const current = known.findLast((one) => isHere(newestOf(one), serial));
      const renewed = current && newestOf(current)?.enrolment !== previous ? newestOf(current) : undefined;
      const due = current && renewed ? await ask(renewed, current) : ok(undefined);
      if (!due.ok) return due;
      const woken = !renewed && state.state === 'pending' ? await wake(issued.device, [issued]) : ok(undefined);
      if (!woken.ok) return woken;
      // What was before the wiped enrolment had its own proof; of another device that goes by this serial only the present life matters.
      const since = ({ lives }: Known): readonly Life[] => lives.slice(Math.max(0, lives.findIndex((life) => life.enrolment === previous)));
      const present = (one: Known): readonly Life[] => one.lives.slice(-1).filter((life) => life.serial === serial);
      const seen = [own, ...known.filter((one) => one !== own)];
      return ok({
        command: state,
        enrolments: seen.flatMap((one) => (one === own ? since(one) : present(one)).map((life) => enrolmentOf(life, one, options, isFresh, command))),
      });
    },

    /** NanoMDM keeps one record per device and removes none: the next Authenticate overwrites it. What is left of the old one, `observe` tells. */
    async removeEnrolment() {
      return ok(undefined);
    },

    ...(options.grantsPasscodeRemoval ? { lock: (enrolment: string, reason: string) => order(enrolment, 'lock', deviceLock(reason)) } : {}),
    startLostMode: (enrolment, notice) => order(enrolment, 'lost-mode', enableLostMode(notice)),
    stopLostMode: (enrolment) => order(enrolment, 'end-of-lost-mode', disableLostMode),
  };

  const receiveWebhook: ReceiveWebhook = async (body, headers) => {
    const signed = isSigned(body, headers['x-hmac-signature'], await options.webhookKey());
    used({ name: 'NanoMDM webhook key', purpose: 'webhook' }, signed ? 'accepted' : 'unauthorized');
    if (!signed) return refused({ reason: 'unauthorized', detail: 'the event is not signed with our key: compare it with -webhook-hmac-key' });
    const event = readEvent(body);
    if (!event.ok) return event;
    if (!event.value || !(await store.keep(event.value))) return ok({ serials: [], enrolments: [] });
    if (event.value.kind === 'answer' && !(await isAwaited(event.value.command))) return ok({ serials: [], enrolments: [] });
    const serial = await store.serialOf(event.value.device);
    return ok({ serials: serial === undefined ? [] : [serial], enrolments: [] });
  };

  /** Of a round of questions only the last answer is news. */
  async function isAwaited(command: string): Promise<boolean> {
    const issued = await store.command(command);
    return issued !== undefined && (issued.kind !== 'question' || issued.question === QUESTIONS.at(-1));
  }

  return { adapter, receiveWebhook };
}

function unreachableWith({ pinsOneCertificate, grantsPasscodeRemoval, eraseEndsJailbreak }: Reading): readonly GateLeafName[] {
  return [
    'attestation',
    ...(pinsOneCertificate ? [] : (['credentials-revoked'] as const)),
    ...(grantsPasscodeRemoval ? (['queue-clear'] as const) : []),
    ...(eraseEndsJailbreak ? [] : (['posture'] as const)),
  ];
}

const isHere = (life: Life | undefined, serial: string): boolean => life?.serial === serial && life.tokenUpdated && !life.checkedOut;
const deviceOf = (enrolment: string): string => enrolment.slice(0, enrolment.lastIndexOf('/'));

function withoutReport<T extends { readonly reportedMdmMs?: number; readonly profile?: string }>(record: T): Omit<T, 'reportedMdmMs' | 'profile'> {
  const { reportedMdmMs: _reported, profile: _profile, ...rest } = record;
  return rest;
}
