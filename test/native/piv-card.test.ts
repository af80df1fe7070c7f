import { verify, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cardAuthority, SIGN_IN_PURPOSE, trustIn, type KeyKind } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { DEFAULT_PIN, PIV_STEPS, pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { afterwards, askedFor, card, run, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

/** Of the test authority's cards, unless they are told another. */
const SIGNED_NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';

async function hospital(kind: KeyKind) {
  const root = await cardAuthority('Hospital Cards');
  return { root, keys: { '9E': await root.issue({ kind }), '9A': await root.issue({ kind, purposes: [SIGN_IN_PURPOSE] }) } };
}

insidePcscTestbed('a PIV card on real pcscd', import.meta.filename, 1, {
  'is read by opensc, the PIV tool and PKCS#11, which signs, each time also by us': async (testbed) => {
    const { root, keys } = await hospital('RSA-2048');
    const { of } = await ward(testbed, trustIn([root]));
    const { name, port } = slotOf(testbed, 0);
    const folder = await mkdtemp(join(tmpdir(), 'dockward-piv-'));
    afterwards(() => rm(folder, { recursive: true }));
    const [toSign, signed] = [join(folder, 'in'), join(folder, 'out')];
    await writeFile(toSign, 'the ward');
    const programs: [string, string[]][] = [
      ['pkcs15-tool', ['--reader', name, '--list-certificates']],
      ['pkcs15-tool', ['--reader', name, '--read-certificate', '04']],
      ['yubico-piv-tool', ['-r', name, '-a', 'status']],
      ['pkcs11-tool', ['--slot', '0', '--login', '--pin', DEFAULT_PIN, '--sign', '--id', '01', '-m', 'SHA256-RSA-PKCS', '-i', toSign, '-o', signed]],
    ];
    const said: string[] = [];
    for (const [index, [program, options]] of programs.entries()) {
      const inserted = await card(port, pivCard({ keys }));
      // At the same time as we read it.
      await inserted.asked;
      said.push((await run(program, options)).stdout);
      await waitFor('our own tap', () => of('tap').length === index + 1);
      await inserted.remove();
      await waitFor('the removal', () => of('card-removed').length === index + 1);
    }
    expect(of('tap').map(({ assurance, uid }) => `${assurance} ${uid}`)).toEqual(programs.map(() => `crypto ${SIGNED_NAME}`));
    expect(of('tap-unreadable')).toEqual([]);
    expect(said[0]).toContain('Certificate for Card Authentication');
    expect(new X509Certificate(said[1] ?? '').raw).toEqual(keys['9E'].certificate);
    expect(said[2]).toMatch(/Slot 9a:[^]*RSA2048[^]*Slot 9e:[^]*PIN tries left:\t3/);
    expect(verify('sha256', Buffer.from('the ward'), new X509Certificate(keys['9A'].certificate).publicKey, await readFile(signed))).toBe(true);
  },

  'lets its holder prove a PIN while it lies there: right, wrong, and blocked at last': async (testbed) => {
    const { root, keys } = await hospital('P-256');
    const { of, tap, running } = await ward(testbed, trustIn([root]));
    const { name, port } = slotOf(testbed, 0);
    const piv = pivCard({ keys });
    const lying = await card(port, piv);
    await tap(SIGNED_NAME);
    const give = async (pin: string) => running.cardPin?.(name, SIGNED_NAME, pin);
    expect(await give(DEFAULT_PIN)).toEqual({ ok: true });
    expect(piv.isOpen()).toBe(false);
    // Two at once take their turns.
    expect(await Promise.all([give('000000'), give(DEFAULT_PIN)])).toEqual([{ ok: false, reason: 'card-pin-wrong' }, { ok: true }]);
    for (const reason of ['card-pin-wrong', 'card-pin-wrong', 'card-pin-blocked', 'card-pin-blocked']) expect(await give('000000')).toEqual({ ok: false, reason });
    await lying.remove();
    await waitFor('the removal', () => of('card-removed').length === 1);
    expect(await give(DEFAULT_PIN)).toEqual({ ok: false, reason: 'card-gone' });
  },

  'swapped for another, pulled, or known only by its number gives no PIN away': async (testbed) => {
    const { root, keys } = await hospital('P-256');
    const { tap, of, running } = await ward(testbed, trustIn([root]));
    const [first, second] = [slotOf(testbed, 0), slotOf(testbed, 1)];
    const storage = await card(second.port, { uid: '04112233' });
    await tap('04112233');
    expect(await running.cardPin?.(second.name, '04112233', DEFAULT_PIN)).toEqual({ ok: false, reason: 'card-has-no-pin' });
    expect(storage.apdus.filter((apdu) => apdu.startsWith('0020'))).toEqual([]);

    const pulled = await card(first.port, pivCard({ keys, muteAt: 'verify' }));
    await tap(SIGNED_NAME);
    const asked = running.cardPin?.(first.name, SIGNED_NAME, DEFAULT_PIN);
    await askedFor(pulled, PIV_STEPS.verify);
    await pulled.remove();
    expect(await asked).toEqual({ ok: false, reason: 'card-gone' });
    await waitFor('the removal', () => of('card-removed').length === 1);

    const other = pivCard({ keys: { ...keys, '9E': await root.issue({ uuid: '00000000-0000-4000-8000-00000000000b' }) } });
    await card(first.port, other);
    await tap('0000000000004000800000000000000B');
    expect(await running.cardPin?.(first.name, SIGNED_NAME, DEFAULT_PIN)).toEqual({ ok: false, reason: 'card-gone' });
    expect(other.triesLeft()).toBe(3);
    expect(await running.cardPin?.('No Such Reader', SIGNED_NAME, DEFAULT_PIN)).toEqual({ ok: false, reason: 'card-gone' });
  },
});
