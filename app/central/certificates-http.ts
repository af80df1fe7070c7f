import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { certificateLeaf, certificatesAnswer, certificatesQuery, certificateView, type CertificateView } from '../contract/certificates.ts';
import { certificateSections, standingWords } from '../ledger/certificate-words.ts';
import { CERTIFICATE_CSS, certificatePage, PAGE_STATUS, type PublicAnswer } from './certificate-page.ts';
import { certificateFileName, certificatePdf, certificateUrl } from './certificate-pdf.ts';
import { certificateOf, listCertificates, type CertificateDeps, type IssuedCertificate } from './certificates.ts';
import { iso } from './fleet-view.ts';
import { parseWire, sendRefusal } from './http-reply.ts';
import { fontFile } from './paper.ts';
import { described, type Guards } from './people-routes.ts';
import { createRequestRate } from './request-rate.ts';

const named = z.strictObject({ leaf: certificateLeaf });

/** Of one address, per minute, in one process: a person scanning sheets stays below it. */
const LOOK_UPS_PER_MINUTE = 60;

/** Certificates of sanitization for people who are signed in, and the page behind their QR codes for whoever holds one. */
export function serveCertificates(app: FastifyInstance, deps: CertificateDeps, { signedIn }: Pick<Guards, 'signedIn'>): void {
  app.get('/api/certificates', { onRequest: signedIn, schema: described('Certificates of sanitization, newest first, by serial or asset number and span', { query: certificatesQuery, ok: certificatesAnswer }) }, async (request, reply) => {
    const query = parseWire(certificatesQuery, request.query);
    return query.ok ? listCertificates(deps, query.value) : sendRefusal(reply, query.reason);
  });

  const serve = (ending: string, schema: object, send: (issued: IssuedCertificate, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>): void => {
    app.get(`/api/certificates/:leaf${ending}`, { onRequest: signedIn, schema }, async (request, reply) => {
      const params = parseWire(named, request.params);
      if (!params.ok) return sendRefusal(reply, params.reason);
      const issued = await certificateOf(deps, params.value.leaf);
      return issued.ok ? send(issued.value, request, reply) : sendRefusal(reply, issued.reason);
    });
  };
  serve('', described('A certificate in words', { ok: certificateView }), async (issued, request, reply) => reply.send(viewOf(issued, baseOf(request), deps.now())));
  serve('/file', { summary: 'A certificate as a file that can be checked without this server (`npm run verify -- FILE.certificate`)', tags: ['people'], produces: ['application/json'] }, async ({ certificate }, _request, reply) =>
    reply.type('application/json; charset=utf-8').header('content-disposition', `attachment; filename="${certificateFileName(certificate, 'certificate')}"`).send(certificate.text),
  );
  serve('/pdf', { summary: 'A certificate on one sheet A4 with its QR code, the file attached to it', tags: ['people'], produces: ['application/pdf'] }, async ({ certificate }, request, reply) =>
    reply.type('application/pdf').header('content-disposition', `attachment; filename="${certificateFileName(certificate, 'pdf')}"`).send(await certificatePdf(certificate, baseOf(request))),
  );
  servePublicPage(app, deps);
}

function servePublicPage(app: FastifyInstance, deps: CertificateDeps): void {
  const isWithin = createRequestRate(LOOK_UPS_PER_MINUTE, deps.now);
  const schema = { summary: 'Whether a certificate is in the ledgers, cosigned when, and what it says: for whoever has its leaf hash, without signing in', tags: ['public'], produces: ['text/html'] };
  app.get<{ Params: { leaf: string }; Querystring: { index?: unknown } }>('/certificate/:leaf', { schema }, async (request, reply) => {
    const answer = isWithin(request.ip) ? await answerTo(deps, request.params.leaf, request.query.index) : ({ kind: 'slow-down' } as const);
    if (answer.kind === 'slow-down') reply.header('retry-after', '60');
    return reply.code(PAGE_STATUS[answer.kind]).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(certificatePage(answer));
  });
  app.get('/certificate.css', { schema: { hide: true } }, (_request, reply) => reply.type('text/css; charset=utf-8').header('cache-control', 'max-age=3600').send(CERTIFICATE_CSS));
  for (const face of ['regular', 'bold'] as const) {
    app.get(`/certificate-${face}.woff2`, { schema: { hide: true } }, (_request, reply) => reply.type('font/woff2').header('cache-control', 'max-age=86400').send(fontFile(face, 'woff2')));
  }
}

async function answerTo(deps: CertificateDeps, leaf: string, index: unknown): Promise<PublicAnswer> {
  const issued = await certificateOf(deps, leaf);
  if (!issued.ok) return issued.reason.reason === 'inconsistent' ? { kind: 'unsound', message: issued.reason.message } : { kind: 'unknown' };
  return index === undefined || index === String(issued.value.certificate.facts.ledger.index) ? { kind: 'held', issued: issued.value } : { kind: 'elsewhere' };
}

function viewOf({ certificate }: IssuedCertificate, base: string, nowMs: number): CertificateView {
  const { facts, witnessed } = certificate;
  return {
    leaf: facts.ledger.leaf,
    at: iso(nowMs),
    serial: facts.media.serial,
    asset: facts.media.asset,
    grade: facts.verification.grade,
    standing: witnessed.length === 0 ? 'provisional' : 'cosigned',
    standingWords: standingWords(certificate),
    sections: certificateSections(certificate).map(({ title, lines }) => ({ title, lines: [...lines] })),
    publicUrl: certificateUrl(base, certificate),
  };
}

/** The address under which this person reached the server: that of the QR code. */
const baseOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}`;
