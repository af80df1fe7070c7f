import type { MorningCart, MorningView } from '../contract/morning.ts';
import { Contact } from './contact.tsx';
import { isLost } from './feed.ts';
import { ListFrame } from './list-frame.tsx';
import { Done, Exceptions, Needs, Notice, PdfButton } from './morning-parts.tsx';
import { Empty } from './notices.tsx';
import { hrefOf } from './route.ts';
import { useFleet } from './store.ts';
import { dayInWords } from './times.ts';

/** What the nights left for the morning: every cart with its latest sheet, what will be short tomorrow before anything else. */
export function MorningPage() {
  const feed = useFleet((state) => state.morning);
  const fleet = useFleet((state) => state.fleet);
  const view = feed.held?.value;
  const carts = view === undefined ? [] : inOrder(view);
  const without = carts.filter(({ sheet, unread }) => sheet === undefined && unread === undefined);
  return (
    <ListFrame id="morning" title="Morning" level={1} count="" held={feed.held}>
      {!isLost(fleet) && <Contact feed={feed} />}
      {view === undefined && !isLost(feed) && <p className="quiet">Reading the morning…</p>}
      {view !== undefined && <Notices carts={view.carts} />}
      <div className="morning-carts">
        {carts.map((cart) => (
          <Cart key={cart.station} cart={cart} />
        ))}
      </div>
      {view !== undefined && without.length === carts.length && <Empty>No cart has recorded a night yet. A cart prepares the morning when its rules say what each ward needs and by when.</Empty>}
      {without.length > 0 && without.length < carts.length && (
        <p className="more quiet">
          No night recorded yet:{' '}
          {without.map(({ station, cart }, place) => (
            <span key={station}>
              {place > 0 && ', '}
              <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>
            </span>
          ))}
        </p>
      )}
    </ListFrame>
  );
}

/** Whatever lacks most comes first. */
function inOrder({ carts }: MorningView): readonly MorningCart[] {
  const lacks = ({ sheet, notices }: MorningCart): number => (sheet?.needs.reduce((sum, { shortBy }) => sum + shortBy, 0) ?? 0) + (notices.length > 0 ? 1000 : 0);
  return [...carts].sort((a, b) => lacks(b) - lacks(a));
}

function Notices({ carts }: { readonly carts: MorningView['carts'] }) {
  const open = carts.flatMap(({ station, cart, notices }) => notices.map((notice) => ({ station, cart, notice })));
  if (open.length === 0) return null;
  return (
    <section className="morning-notices" aria-labelledby="tomorrow">
      <h2 id="tomorrow">The next morning is threatened</h2>
      <ul>
        {open.map(({ station, cart, notice }) => (
          <li key={`${notice.evidence.origin} ${notice.evidence.seq}`}>
            <Notice notice={notice} station={station} cart={cart} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Cart({ cart: { station, cart, ward, sheet, unread } }: { readonly cart: MorningCart }) {
  if (unread !== undefined) {
    return (
      <section className="morning-cart" aria-label={cart}>
        <h2>
          <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>
        </h2>
        <p>Its last sheet was written by a newer station than this server can read. Update the server.</p>
      </section>
    );
  }
  if (sheet === undefined) return null;
  const night = { station, epoch: sheet.epoch, seq: sheet.evidence.seq };
  const whole = hrefOf({ page: 'sheet', ...night, q: '' });
  return (
    <section className="morning-cart" aria-labelledby={`cart-${station}`}>
      <div className="morning-cart-head">
        <h2 id={`cart-${station}`}>
          <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>
        </h2>
        <span className="count">{ward}</span>
        <a href={whole} className="morning-day">
          {dayInWords(sheet.shift)}
        </a>
      </div>
      <Needs station={station} sheet={sheet} />
      {sheet.exceptions.length === 0 ? <p>Nothing to mend.</p> : <Exceptions exceptions={sheet.exceptions} />}
      <p className="asked">
        {sheet.more > 0 && <a href={whole}>and {sheet.more} more</a>}
        <a href={whole}>The whole sheet and earlier nights</a>
        <PdfButton night={night} />
      </p>
      <Done station={station} sheet={sheet} />
    </section>
  );
}
