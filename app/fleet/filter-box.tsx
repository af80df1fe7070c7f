import { setFilter } from './navigation.ts';

/** Filters as you type; Escape clears. How many are left is said by the lists themselves. */
export function FilterBox({ q, hint }: { q: string; hint: string }) {
  return (
    <search className="filter">
      <label>
        <span>Find</span>
        <input
          type="search"
          value={q}
          placeholder={hint}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setFilter(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setFilter('');
          }}
        />
      </label>
    </search>
  );
}

export function NothingFound({ q }: { q: string }) {
  return (
    <p className="empty">
      Nothing here matches “{q}”.{' '}
      <button type="button" className="link" onClick={() => setFilter('')}>
        Clear the filter
      </button>
    </p>
  );
}
