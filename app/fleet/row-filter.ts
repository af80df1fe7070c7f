/** Text as it is compared: without case and accents, so that "muller" finds "Müller". */
export function comparable(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/** The rows in which every typed word occurs somewhere. `textOf` is the row as a person reads it. */
export function filterRows<T>(rows: readonly T[], query: string, textOf: (row: T) => string): readonly T[] {
  const words = comparable(query).split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = comparable(textOf(row));
    return words.every((word) => text.includes(word));
  });
}
