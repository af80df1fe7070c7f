import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createBundleStore } from '../../app/central/bundle.ts';
import { importDirectory, type Directory } from '../../app/central/directory.ts';
import { StartRefused } from '../../app/central/first-start.ts';
import { policyBundle } from '../../app/contract/policy-bundle.ts';
import { NIGHT } from '../support/night-rules.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { DIRECTORY_WITHOUT_PINS, startTestCentral, type TestCentral } from './demo-central.ts';
import { enrolStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;

const withNeeds = (needs: (typeof NIGHT)['needs']): Directory => ({ ...DIRECTORY_WITHOUT_PINS, wards: [{ id: '7e', name: 'Ward 7 East' }, { id: '8n', name: 'Ward 8 North' }], rules: { ...DIRECTORY_WITHOUT_PINS.rules, overnight: { ...NIGHT, needs } } });
const need = (cart: string | undefined, count = 3, ward = '7e'): (typeof NIGHT)['needs'][number] => ({ ward, ...(cart === undefined ? {} : { cart }), count, due: '07:00' });
const take = (...needs: (typeof NIGHT)['needs']): Promise<void> => importDirectory(central.database, central.keys, withNeeds(needs));
const published = async (): Promise<unknown> => {
  const made = await createBundleStore(central.database, central.keys, central.options.now).current();
  return policyBundle.parse(JSON.parse(Buffer.from(made?.jws.split('.')[1] ?? '', 'base64url').toString())).rules.overnight?.needs;
};

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  await central.database.query('update station set denied_at_ms = 1');
  await take();
});

it('a need that names a cart of its ward reaches the carts as the file has it, and one that names none as before', async () => {
  await enrolStation(central, 'Cart A');
  await take(need('Cart A', 5), need(undefined, 8));
  expect(await published()).toEqual([need('Cart A', 5), need(undefined, 8)]);
});

it('a cart that the ward does not have: the rules are refused with the carts that it has, and those in force stay', async () => {
  await enrolStation(central, 'Cart A');
  await enrolStation(central, 'Cart B');
  await take(need('Cart A', 5));
  const refused = take(need('Cart A', 5), need('Cart C', 3));
  await expect(refused).rejects.toThrow(StartRefused);
  await expect(refused).rejects.toThrow('These rules have a need of 3 by 07:00 for the cart "Cart C" of ward "7e", and that ward has no such cart: it has "Cart A", "Cart B". Nobody would prepare it, so nothing was changed.');
  expect(await published()).toEqual([need('Cart A', 5)]);
});

it('a cart of another ward, or of none that is enrolled yet, is no cart of this one', async () => {
  await expect(take(need('Cart A'))).rejects.toThrow('has no such cart: none is enrolled there yet');
  await enrolStation(central, 'Cart A');
  await expect(take(need('Cart A', 3, '8n'))).rejects.toThrow('"Cart A" of ward "8n"');
});

it('a cart that was denied may not be named anew, but does not keep a server from starting with the rules that it has', async () => {
  const { id } = await enrolStation(central, 'Cart A');
  await take(need('Cart A', 5));
  await central.database.query('update station set denied_at_ms = 1 where id = $1', [id]);
  await take(need('Cart A', 6));
  await take(need(undefined, 6));
  await expect(take(need('Cart A', 6))).rejects.toThrow(StartRefused);
});

it('a start whose directory names such a cart ends with the sentence and lets go of everything', async () => {
  const again = startTestCentral(central.options.databaseUrl, { dataFolder: central.options.dataFolder, directory: withNeeds([need('Cart Z')]) });
  await expect(again).rejects.toThrow('the cart "Cart Z" of ward "7e"');
});
