import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../app/central/database.ts';
import { inOrder } from '../../app/central/in-order.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';

let postgres: TestPostgres;
let database: Database;

beforeAll(async () => {
  postgres = await startTestPostgres();
  database = await openDatabase(await postgres.createDatabase(), (error) => expect.fail(error.message));
  await database.query('create table held (n int primary key, text text not null)');
});
afterAll(async () => {
  await database.close();
  await postgres.stop();
});
beforeEach(() => database.query('delete from held'));

const held = async (): Promise<unknown> => (await database.query('select n, text from held order by n')).rows;
const INSERT = 'insert into held (n, text) values ($1, $2)';

test('one of several statements that travel together fails: it is told, not those that failed after it, and nothing of the transaction stays', async () => {
  const told = database.transaction(async (client) => {
    const sent = [client.query(INSERT, [1, 'a']), client.query(INSERT, [1, 'again']), client.query(INSERT, [2, 'b']), client.query('select n from held where n = $1', [1])];
    await inOrder(sent);
  });
  await expect(told).rejects.toMatchObject({ code: '23505' });
  expect(await held()).toEqual([]);
});

test('a statement fails whose answer nobody waits for: what reads as a commit is none, and is told', async () => {
  const told = database.transaction(async (client) => {
    await client.query(INSERT, [1, 'a']);
    client.query(INSERT, [1, 'again']).catch(() => undefined);
  });
  await expect(told).rejects.toThrow('nobody looked');
  expect(await held()).toEqual([]);
});

test('after a failure the same connections serve the next transactions, with the same statements', async () => {
  for (let n = 0; n < 24; n += 1) {
    await expect(database.transaction((client) => inOrder([client.query(INSERT, [n, 'a']), client.query(INSERT, [n, 'a\0b'])]))).rejects.toMatchObject({ code: '22021' });
    await database.transaction((client) => inOrder([client.query(INSERT, [n, 'a'])]));
  }
  expect(await held()).toHaveLength(24);
});
