import type { ReactNode } from 'react';
import { AsOf } from './as-of.tsx';
import type { Held } from './feed.ts';

interface ListFrameProps {
  readonly id: string;
  readonly title: ReactNode;
  /** The page's own heading, or one of several lists on a page. */
  readonly level: 1 | 2;
  readonly count: string;
  readonly held: Held<unknown> | undefined;
  /** What works on the list: the filter and its conditions. */
  readonly tools?: ReactNode;
  readonly children: ReactNode;
}

/** A list under its title, with how many there are and how old that is. */
export function ListFrame({ id, title, level, count, held, tools, children }: ListFrameProps) {
  const Heading = level === 1 ? 'h1' : 'h2';
  return (
    <section className="list" aria-labelledby={id}>
      <div className="list-head">
        <Heading id={id} tabIndex={level === 1 ? -1 : undefined}>
          {title}
        </Heading>
        <span className="count" role="status">
          {count}
        </span>
        <AsOf held={held} />
      </div>
      {tools !== undefined && <div className="tools">{tools}</div>}
      {children}
    </section>
  );
}

/** "14", or "3 of 14" when something is left out. */
export function countWords(shown: number, all: number): string {
  return shown === all ? String(all) : `${shown} of ${all}`;
}
