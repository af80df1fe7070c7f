import { createHash } from 'node:crypto';
import type { BadgeTrust } from '../../app/contract/device-host.ts';
import type { HostClock } from '../clock.ts';
import { parseCertificate, type Certificate } from './card-certificate.ts';

export type Distrust = 'card-untrusted' | 'card-expired' | 'card-revoked';

/** Judges cards' certificates by what the station trusts. */
export interface CardTrust {
  /** How many of the authorities told are no CA that is understood here: paths through them do not exist. */
  readonly unusable: number;
  /** Undefined for a certificate that an authority answers for now. */
  judge(certificate: Certificate): Distrust | undefined;
}

interface Authority {
  readonly certificate: Certificate;
  readonly revoked: ReadonlySet<string>;
  readonly isRoot: boolean;
  readonly issuers: Authority[];
}

/** Longest path: authorities between a card and its root, with the root. */
const PATH_LIMIT = 6;
/** Paths looked at for one card; authorities that have certified each other make many. */
const PATHS_LIMIT = 64;

/**
 * Trust in the authorities of the policy bundle, as `clock` goes on from the trusted time told with them. A path ends at a self-signed
 * authority; every authority on it must be a CA, fit its issuer, be understood, valid now and not revoked.
 */
export function cardTrust(trust: BadgeTrust, clock: HostClock): CardTrust {
  const toldAtMs = clock.monoMs();
  const parsed = trust.authorities.map((authority) => parseCertificate(Buffer.from(authority, 'base64')));
  const authorities = parsed.filter((certificate) => certificate?.x509.ca === true && certificate.understood).map((certificate) => authorityOf(certificate as Certificate, trust));
  for (const authority of authorities) {
    if (!authority.isRoot) authority.issuers.push(...issuersOf(authority.certificate, authorities));
  }

  function judge(leaf: Certificate): Distrust | undefined {
    if (leaf.x509.ca || !leaf.understood || !leaf.maySign) return 'card-untrusted';
    const nowMs = trust.nowMs + clock.monoMs() - toldAtMs;
    const verdicts = pathsOf(leaf, authorities).map((path) => judgePath(leaf, path, nowMs));
    if (verdicts.length === 0) return 'card-untrusted';
    if (verdicts.includes(undefined)) return undefined;
    return verdicts.includes('card-revoked') ? 'card-revoked' : 'card-expired';
  }

  return { unusable: parsed.length - authorities.length, judge };
}

function authorityOf(certificate: Certificate, { revoked }: BadgeTrust): Authority {
  const { x509 } = certificate;
  const fingerprint = createHash('sha256').update(x509.raw).digest('hex');
  const serials = revoked.filter(({ authority }) => authority === fingerprint).flatMap(({ serials: list }) => list);
  return { certificate, revoked: new Set(serials), isRoot: isIssuedBy(certificate, certificate), issuers: [] };
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.x509.checkIssued(issuer.x509) && certificate.x509.verify(issuer.x509.publicKey);
}

function issuersOf(certificate: Certificate, authorities: readonly Authority[]): Authority[] {
  return authorities.filter((authority) => isIssuedBy(certificate, authority.certificate));
}

/** Every way from a card's certificate up to a root. */
function pathsOf(leaf: Certificate, authorities: readonly Authority[]): Authority[][] {
  const paths: Authority[][] = [];
  const climb = (path: readonly Authority[], next: readonly Authority[]): void => {
    for (const authority of next) {
      if (paths.length === PATHS_LIMIT || path.length === PATH_LIMIT) return;
      // As many authorities stand below this one as there are on the path.
      if (path.includes(authority) || path.length > authority.certificate.pathLength) continue;
      const longer = [...path, authority];
      if (authority.isRoot) paths.push(longer);
      else climb(longer, authority.issuers);
    }
  };
  climb([], issuersOf(leaf, authorities));
  return paths;
}

function judgePath(leaf: Certificate, path: readonly Authority[], nowMs: number): Distrust | undefined {
  const below = [leaf, ...path.map(({ certificate }) => certificate)];
  if (path.some(({ revoked }, index) => revoked.has(below[index]?.serial ?? ''))) return 'card-revoked';
  const allValid = below.every(({ x509 }) => nowMs >= x509.validFromDate.getTime() && nowMs <= x509.validToDate.getTime());
  return allValid ? undefined : 'card-expired';
}
