import { openCheckpoint, openCosignature, parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { keyAt, parseKeys, type BundleKeys } from './bundle.ts';
import { createCustodyJudge, type CustodyJudge } from './custody.ts';
import { parseEntry, recordedEntry } from './entry.ts';
import { createRangeJudge, signedAfterItsTime, suspectFrom, trustedWitness, type RangeJudge } from './key-ranges.ts';
import { HASH_BYTES } from './merkle.ts';
import { parseNote } from './note.ts';
import { readPolicy, type AuditPolicy } from './policy.ts';
import { readTar, type TarFile } from './tar.ts';
import { hashEntries, readEntryBundle, TILE_WIDTH, tilePath, tilesInOrder, type TileHashes } from './tiles.ts';
import { startVerification, type ReadEntry, type Verification } from './verify.ts';

/** The classes of findings; each has one exit code. `break-glass` is kept for when stations can break the glass: nothing yields it yet. */
export const FINDING_KINDS = ['bytes', 'chain', 'root', 'signature', 'projections', 'witness', 'consistency', 'key-range', 'custody', 'break-glass'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** `seq` is the first bad entry, `file` the bundle's file; `message` is for a person. */
export interface Finding {
  readonly kind: FindingKind;
  readonly seq?: number;
  readonly file?: string;
  readonly message: string;
}

export interface Audit {
  /** Undefined: nothing was found. */
  readonly finding: Finding | undefined;
  /** How many entries break a rule of custody; `finding` names the first if nothing graver was found. */
  readonly custodyFindings: number;
  readonly origin: string | undefined;
  readonly size: number;
  /** Entries below this were seen by the witness: a stolen station key cannot have changed them since. */
  readonly witnessed: { readonly size: number; readonly timeS: number } | undefined;
  readonly keys: BundleKeys | undefined;
  /** Whether the witness's key came from the auditor and not from the bundle alone. */
  readonly trusted: boolean;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly policies: number;
  readonly custody: CustodyJudge;
}

interface Head {
  readonly note: string;
  readonly checkpoint: Checkpoint;
  readonly cosigned: string | undefined;
  readonly keys: BundleKeys;
  readonly policies: ReadonlyMap<string, AuditPolicy>;
}

/** Ends the reading; caught by `auditBundle`. */
class Found extends Error {
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(finding.message);
    this.finding = finding;
  }
}
const found = (kind: FindingKind, message: string, where: { seq?: number; file?: string } = {}): Found => new Found({ kind, message, ...where });

/** The hashes of one entry bundle, which stays as it is. */
export type HashBundle = (bundle: Buffer) => TileHashes | Promise<TileHashes>;

/**
 * Audits a bundle as it streams by; memory does not grow with the entries, but for 80 bytes or so per release.
 * `policyJws`: a policy bundle that the auditor has from elsewhere; its keys are then the only ones believed.
 * `hash`: where entries are hashed, half of the work; another thread may do it while this one reads them.
 */
export async function auditBundle(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, policyJws?: string, hash: HashBundle = hashEntries): Promise<Audit> {
  const files = filesOf(chunks);
  const verification = startVerification();
  let head: Head | undefined;
  let witnessed: Audit['witnessed'];
  const custody = createCustodyJudge((digest) => head?.policies.get(digest));
  let firstWrong: Finding | undefined;
  let ranges: RangeJudge | undefined;
  let wrongKey: Finding | undefined;
  let custodyFindings = 0;
  const accepted = new Set<string>();
  const judge = (): void => {
    const { last } = verification;
    if (!last) return;
    if (head) ranges ??= createRangeJudge(head.checkpoint.origin, head.keys);
    const changed = ranges?.push(last.entry);
    if (changed !== undefined) wrongKey ??= { kind: 'key-range', seq: last.entry.seq, message: changed };
    const recorded = recordedEntry(last.entry, last.leaf);
    if (recorded.type === 'bundle-accepted') accepted.add(recorded.body.digest);
    const wrong = custody.push(recorded);
    if (wrong === undefined) return;
    custodyFindings += 1;
    firstWrong ??= { kind: 'custody', seq: last.entry.seq, message: `entry ${last.entry.seq} (${last.entry.type}) breaks a rule of custody: ${wrong}` };
  };

  let finding: Finding | undefined;
  try {
    const trust = policyJws === undefined ? undefined : readPolicy(policyJws);
    if (policyJws !== undefined && !trust) throw found('signature', 'the policy given with --policy is not a signed policy bundle');
    const read = await readHead(files, trust);
    head = read.head;
    await readTiles(files, head, read.next, verification, hash, judge, (timeS, size) => (witnessed = { timeS, size }));
    for (const policy of head.policies.values()) {
      if (!accepted.has(policy.digest)) throw found('bytes', `policy/${policy.version}.jws is not a policy that this ledger accepted`, { file: `policy/${policy.version}.jws` });
    }
    const late = trust && witnessed && signedAfterItsTime(trust, head.keys.witness, witnessed.timeS);
    const suspect = suspectFrom(head.checkpoint.origin, head.checkpoint.size, head.keys, trust);
    finding = wrongKey ?? (late === true ? { kind: 'witness', message: 'the witness signed by a key that had been replaced before' } : undefined) ?? (suspect && { kind: 'key-range', ...suspect }) ?? firstWrong;
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    finding = error.finding;
  }
  return {
    finding, custodyFindings, witnessed, custody,
    origin: head?.checkpoint.origin,
    size: verification.size,
    keys: head?.keys,
    trusted: policyJws !== undefined,
    firstMs: verification.firstMs,
    lastMs: verification.last?.entry.hlc.ms,
    policies: head?.policies.size ?? 0,
  };
}

interface Files {
  /** The next file; undefined at the end. */
  next(): Promise<TarFile | undefined>;
}

function filesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Files {
  const tar = readTar(chunks);
  let name = 'the first file';
  return {
    next: async () => {
      const step = await tar.next();
      if (step.done === true) return undefined;
      if (!step.value.ok) throw found('bytes', `the bundle is not the tar that was written: ${TAR_WORDS[step.value.reason]} (at or after ${name})`, { file: name });
      ({ name } = step.value.value);
      return step.value.value;
    },
  };
}

const TAR_WORDS = {
  header: 'a file header has been changed',
  'too-large': 'a file is larger than any that belongs in a bundle',
  padding: 'there is something between two files',
  end: 'its end mark has been changed',
  'cut-short': 'it ends too early',
  'bytes-behind': 'there is something behind its end',
} as const;

/** Everything before the tiles: what they will be held against. */
async function readHead(files: Files, trust: AuditPolicy | undefined): Promise<{ readonly head: Head; readonly next: TarFile | undefined }> {
  const text = ({ content }: TarFile): string => content.toString('utf8');
  const first = await expectFile(files, 'checkpoint');
  const note = text(first);
  const parsed = parseNote(note);
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  if (!checkpoint.ok || !Buffer.from(note).equals(first.content)) throw found('signature', 'the checkpoint cannot be read: it has been changed since it was signed', { file: 'checkpoint' });
  const { origin, size } = checkpoint.value;

  let file = await files.next();
  const cosigned = file?.name === 'cosigned' ? text(file) : undefined;
  if (cosigned !== undefined) file = await files.next();
  if (file?.name !== 'keys') throw unexpected(file, 'keys');
  const keys = parseKeys(text(file), origin, size);
  if (!keys.ok) throw found(keys.reason === 'malformed' ? 'bytes' : keys.reason === 'witness-key' ? 'witness' : 'key-range', KEYS_WORDS[keys.reason], { file: 'keys' });

  const policies = new Map<string, AuditPolicy>();
  let version = 0;
  for (file = await files.next(); file?.name.startsWith('policy/') === true; file = await files.next()) {
    const policy = readPolicy(text(file), trust?.serverKeys);
    if (!policy) throw found('signature', `${file.name} is not signed by the server${trust ? ' whose key is in the policy given' : ''}`, { file: file.name });
    if (file.name !== `policy/${policy.version}.jws` || policy.version <= version) throw unexpected(file, 'the policies by rising version');
    ({ version } = policy);
    policies.set(policy.digest, policy);
  }
  if (trust) {
    if (!trustedWitness(trust, keys.value.witness)) throw found('witness', 'the witness named in the bundle is not the one of the policy given', { file: 'keys' });
  }
  const head: Head = { note, checkpoint: checkpoint.value, cosigned, keys: keys.value, policies };
  checkSigner(head);
  return { head, next: file };
}

const KEYS_WORDS = {
  malformed: 'the file keys cannot be read: it has been changed',
  key: 'a key in the file keys is damaged, or of another ledger',
  'witness-key': 'the key of the witness in the file keys is damaged',
  ranges: 'the keys do not cover the ledger from its first entry to its last without a gap',
} as const;

function checkSigner({ note, checkpoint, keys }: Head): void {
  const opened = openCheckpoint(note, keyAt(keys, checkpoint.size) ?? keys.witness);
  if (opened.ok) return;
  const other = keys.ranges.find(({ key }) => openCheckpoint(note, key).ok);
  if (other) throw found('key-range', `the checkpoint over ${checkpoint.size} entries is signed by the key for sizes ${other.from} to ${other.to}, which was not valid for it`, { file: 'checkpoint' });
  throw found('signature', `the checkpoint over ${checkpoint.size} entries is not signed by this station (${opened.reason})`, { file: 'checkpoint' });
}

const HEX_DIGITS = 2 * HASH_BYTES;

async function readTiles(files: Files, head: Head, first: TarFile | undefined, verification: Verification, hash: HashBundle, judge: () => void, saw: (timeS: number, size: number) => void): Promise<void> {
  const { size } = head.checkpoint;
  const cosigned = openCosigned(head);
  const witness = (): void => {
    if (cosigned?.checkpoint.size !== verification.size) return;
    if (!cosigned.checkpoint.root.equals(verification.root())) {
      throw found('consistency', `the first ${verification.size} entries are not those that the witness saw: history was written anew, whoever signed it`, { file: head.cosigned === undefined ? 'checkpoint' : 'cosigned' });
    }
    saw(cosigned.timeS, cosigned.checkpoint.size);
  };
  let file = first;
  let leaves = '';
  let completed: Buffer[] = [];
  let suspect: number | undefined;
  witness();
  for (const tile of tilesInOrder(size)) {
    const name = tilePath(tile);
    if (file?.name !== name) throw unexpected(file, name);
    if (tile.level === 0) {
      leaves = file.content.toString('hex');
      if (file.content.length !== tile.width * HASH_BYTES) throw found('bytes', `${name} has not the length of ${tile.width} hashes`, { file: name });
    } else if (tile.level === 'entries') {
      const hashing = hash(file.content);
      const { entries, whole } = readEntryBundle(file.content);
      const read = entries.map((bytes, nth) => parseEntry(bytes, nth === 0 ? verification.last?.leaf : leaves.slice((nth - 1) * HEX_DIGITS, nth * HEX_DIGITS)));
      const hashes = await hashing;
      let at = 0;
      for (const parsed of read) {
        if (at === tile.width) throw found('root', `${name} holds more entries than the checkpoint counts`, { file: name, seq: verification.size });
        const leaf = hashes.leaves.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
        takeEntry(verification, { parsed, leaf, tileRoot: at === TILE_WIDTH - 1 ? hashes.root : undefined }, suspect, size);
        suspect = undefined;
        const { last } = verification;
        if (last?.entry.seq === 0 && !head.checkpoint.origin.endsWith(`/station/${last.entry.station}/e${last.entry.epoch}`)) {
          throw found('chain', 'entry 0 is of another station or epoch than the checkpoint', { seq: 0 });
        }
        // Which of the two was changed, the entry or the tile, the next entry's link or the root tells.
        if (last && leaves.slice(at * HEX_DIGITS, (at + 1) * HEX_DIGITS) !== last.leaf) suspect = last.entry.seq;
        if (last && last.tiles.length > 0) completed = [...last.tiles];
        judge();
        if (suspect === undefined) witness();
        at += 1;
      }
      if (!whole) throw found('bytes', `${name} ends within entry ${verification.size}`, { file: name, seq: verification.size });
      if (entries.length < tile.width) throw found('root', `the checkpoint counts ${size} entries; entry ${verification.size} is missing`, { file: name, seq: verification.size });
    } else {
      const wanted = tile.width === TILE_WIDTH ? completed.shift() : verification.partialTile(tile.level);
      if (suspect === undefined && wanted?.equals(file.content) !== true) throw found('root', `${name} holds other hashes than the entries give`, { file: name });
    }
    file = await files.next();
  }
  if (file !== undefined) throw unexpected(file, 'the end');
  closeRoot(verification, head, suspect);
  if (cosigned === undefined) throw found('witness', 'no server has witnessed this ledger, or its signature under the checkpoint has been changed: it stands on the station’s word alone', { file: head.cosigned === undefined ? 'checkpoint' : 'cosigned' });
}

function takeEntry(verification: Verification, entry: ReadEntry, suspect: number | undefined, size: number): void {
  const wrong = verification.pushRead(entry);
  if (suspect !== undefined) {
    if (!wrong) throw tileFinding(suspect);
    throw bytesFinding(suspect);
  }
  if (!wrong) return;
  if (wrong.kind === 'bytes') throw found('bytes', `entry ${wrong.seq} has been changed: ${wrong.fault}`, { seq: wrong.seq });
  if (wrong.kind === 'chain') throw found('chain', `entry ${wrong.seq} of ${size} does not follow the one before it (${wrong.field}): an entry was changed, taken out, put in or moved`, { seq: wrong.seq });
}

const bytesFinding = (seq: number): Found => found('bytes', `entry ${seq} has been changed: it is not the one that was hashed into the tree`, { seq });
const tileFinding = (seq: number): Found => found('root', `the tree holds another hash for entry ${seq} than its bytes give, though the entries hang together`, { seq });

function closeRoot(verification: Verification, { checkpoint }: Head, suspect: number | undefined): void {
  const same = checkpoint.root.equals(verification.root());
  if (suspect !== undefined) throw same ? tileFinding(suspect) : bytesFinding(suspect);
  if (!same) throw found('root', `the ${checkpoint.size} entries hang together but are not those of the signed checkpoint`);
}

/** The checkpoint that the witness has signed, with its time; undefined where none bears its signature. */
function openCosigned({ note, cosigned, checkpoint, keys }: Head): { readonly checkpoint: Checkpoint; readonly timeS: number } | undefined {
  const time = openCosignature(cosigned ?? note, keys.witness);
  if (!time.ok) return undefined;
  if (cosigned === undefined) return { checkpoint, timeS: time.value };
  const parsed = parseNote(cosigned);
  const older = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  if (!older.ok || older.value.origin !== checkpoint.origin) return undefined;
  const { size } = older.value;
  if (size > checkpoint.size) throw found('consistency', `the witness saw ${size} entries, here are ${checkpoint.size}: the ledger was cut short`, { file: 'cosigned' });
  const key = keyAt(keys, size);
  if (!key || !openCheckpoint(cosigned, key).ok) throw found('signature', `the checkpoint over ${size} entries that the witness saw is not signed by this station`, { file: 'cosigned' });
  return { checkpoint: older.value, timeS: time.value };
}

async function expectFile(files: Files, name: string): Promise<TarFile> {
  const file = await files.next();
  if (file?.name !== name) throw unexpected(file, name);
  return file;
}

const unexpected = (file: TarFile | undefined, wanted: string): Found =>
  found('bytes', file ? `the bundle holds ${file.name} where ${wanted} belongs` : `the bundle ends where ${wanted} belongs`, { file: file?.name ?? wanted });
