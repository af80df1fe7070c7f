import { afterAll, beforeAll } from 'vitest';
import { openDatabase, type Database } from '../../../app/central/database.ts';
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';
import { nanomdmBench, type NanomdmBench } from './nanomdm-bench.ts';

type Options = Parameters<typeof nanomdmBench> extends [unknown, ...infer Rest] ? Rest : never;

/** One database for all benches of the file that calls it: their tablets differ. */
export let database: Database;

export function nanomdmTables(): void {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    database = await openDatabase(await postgres.createDatabase(), (error) => {
      throw error;
    });
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
  });
}

export const bench = (...options: Options): Promise<NanomdmBench> => nanomdmBench(database, ...options);
