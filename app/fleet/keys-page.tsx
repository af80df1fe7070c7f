import { AsOf } from './as-of.tsx';
import { ConfirmedButton } from './confirmed-button.tsx';
import { Contact } from './contact.tsx';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { isLost } from './feed.ts';
import { retireSecret, retireServerKey, rotateLedgerKey, rotateSecret, rotateServerKey } from './keys-api.ts';
import type { KeysView } from './keys-api.ts';
import { Empty } from './notices.tsx';
import { rereadKeys } from './refresh.ts';
import { hrefOf } from './route.ts';
import { useFleet } from './store.ts';
import { dateOf, instant } from './times.ts';
import { KEY_STATE_WORDS, SECRET_WORDS, SERVER_KEY_WORDS } from './words.ts';

type Secret = KeysView['secrets']['kinds'][number];
type CartKeys = KeysView['secrets']['stations'][number];

/** For administrators: what badges, PINs, statements and ledgers hang on, and how to replace each. No key is ever shown. */
export function KeysPage() {
  const feed = useFleet((state) => state.keys);
  const fleet = useFleet((state) => state.fleet);
  return (
    <section className="list" aria-labelledby="keys">
      <div className="list-head">
        <h1 id="keys" tabIndex={-1}>
          Keys
        </h1>
        <AsOf held={feed.held} />
      </div>
      {!isLost(fleet) && <Contact feed={feed} />}
      {feed.held === undefined ? !isLost(feed) && <p className="quiet">Reading the keys…</p> : <Keys view={feed.held.value} />}
    </section>
  );
}

function Keys({ view: { server, secrets } }: { view: KeysView }) {
  return (
    <>
      <div className="keys">
        {secrets.kinds.map((secret) => (
          <SecretSheet key={secret.kind} secret={secret} behind={secrets.stations.filter(({ current }) => !current)} />
        ))}
        {(['statement', 'witness'] as const).map((kind) => (
          <ServerKeySheet key={kind} kind={kind} view={server} />
        ))}
      </div>
      {secrets.contradictions.length > 0 && (
        <section className="list" aria-labelledby="contradictions">
          <h2 id="contradictions">Contradictions {secrets.contradictions.length}</h2>
          <p className="quiet">Two carts told different things of the same badge or PIN: one of them did not tell the truth.</p>
          <ul className="plain-list">
            {secrets.contradictions.map(({ kind, station, cart, person, at }) => (
              <li key={`${kind} ${station} ${at}`}>
                {instant(at)}, <a href={hrefOf({ page: 'station', id: station, q: '' })}>{cart}</a>, {kind === 'badge' ? 'badge' : 'PIN'} of {person ?? 'somebody no longer in the directory'}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section className="list" aria-labelledby="cart-keys">
        <h2 id="cart-keys">Carts</h2>
        {secrets.stations.length === 0 ? <Empty>No cart has enrolled yet.</Empty> : <DataTable labelledBy="cart-keys" columns={CART_COLUMNS} rows={secrets.stations} keyOf={({ id }) => id} />}
      </section>
    </>
  );
}

function SecretSheet({ secret: { kind, versions, stragglers }, behind }: { secret: Secret; behind: readonly CartKeys[] }) {
  const { title, use, things } = SECRET_WORDS[kind];
  const stolen = versions.flatMap(({ version, deniedStations }) => deniedStations.map((station) => ({ version, station })));
  const older = versions.length > 1 ? versions[0] : undefined;
  return (
    <section className="key" aria-labelledby={kind}>
      <h2 id={kind}>{title}</h2>
      <p className="quiet">{use}</p>
      <ul className="key-versions">
        {versions.map(({ version, madeAt, known }) => (
          <li key={version}>
            <b>{version}</b>
            <span>
              {known.toLocaleString('en-GB')} {things}
              <span className="under">since {dateOf(madeAt)}</span>
            </span>
          </li>
        ))}
      </ul>
      {stolen.length > 0 && (
        <p className="answer">
          <strong>Replace it:</strong> {stolen.map(({ version, station }) => `${station} had version ${version}`).join(', ')} and is denied now.
        </p>
      )}
      {older === undefined ? (
        <ConfirmedButton
          words="Make a new one"
          about={`for ${title}`}
          warning={`The one in use stays valid until you end it. Each of the ${things} moves over when its person next taps.`}
          confirm="Make a new one"
          act={() => rotateSecret(kind)}
          done={({ version }) => {
            rereadKeys();
            return `Version ${version} is made.`;
          }}
        />
      ) : (
        <>
          <p>
            {stragglers === 0 ? `Nobody hangs on version ${older.version} alone.` : `${stragglers} ${things} have not moved over yet.`}
            {behind.length > 0 && ` ${behind.length === 1 ? 'One cart does' : `${behind.length} carts do`} not keep the newest yet.`}
          </p>
          <ConfirmedButton
            words={`End version ${older.version}`}
            about={`of ${title}`}
            warning={stragglers === 0 ? `Version ${older.version} is worth nothing from then on.` : `${stragglers} ${things} end with it. Their people must be enrolled anew before they can take a tablet.`}
            confirm={stragglers === 0 ? `End version ${older.version}` : `End it and ${stragglers} ${things}`}
            act={() => retireSecret(kind, stragglers)}
            done={({ version, ended }) => {
              rereadKeys();
              return `Version ${version} has ended${ended === 0 ? '' : `, and ${ended} ${things} with it`}.`;
            }}
          />
        </>
      )}
    </section>
  );
}

function ServerKeySheet({ kind, view: { keys, waitingFor } }: { kind: 'statement' | 'witness'; view: KeysView['server'] }) {
  const { title, use, rotated } = SERVER_KEY_WORDS[kind];
  const mine = keys.filter((key) => key.kind === kind);
  const underWay = mine.some(({ state }) => state === 'announced');
  return (
    <section className="key" aria-labelledby={`key-${kind}`}>
      <h2 id={`key-${kind}`}>{title}</h2>
      <p className="quiet">{use}</p>
      <ul className="key-versions">
        {mine.map(({ name, madeAt, state, retiredAt }) => (
          <li key={name} data-state={state}>
            <span>
              {KEY_STATE_WORDS[state]}
              <span className="under">
                since {dateOf(madeAt)}
                {retiredAt !== undefined && `, until ${dateOf(retiredAt)}`}
              </span>
              <code className="under">{name}</code>
            </span>
          </li>
        ))}
      </ul>
      {underWay ? (
        <>
          <p>
            {waitingFor.length === 0 ? 'Every cart has the new one.' : `Waiting until ${waitingFor.map(({ cart }) => cart).join(', ')} ${waitingFor.length === 1 ? 'has' : 'have'} the new one.`}
          </p>
          <ConfirmedButton
            words="End the older one now"
            about={title}
            warning={waitingFor.length === 0 ? 'The new one signs from then on.' : `${waitingFor.map(({ cart }) => cart).join(', ')} will believe nothing this server says, and must be enrolled anew.`}
            confirm="End it now"
            act={() => retireServerKey(waitingFor.length > 0)}
            done={({ retired, lost }) => {
              rereadKeys();
              return retired ? 'The older one has ended.' : `Not ended: ${lost.map(({ cart }) => cart).join(', ')} would be lost. Press again to end it all the same.`;
            }}
          />
        </>
      ) : (
        <ConfirmedButton
          words="Make a new one"
          about={`for ${title}`}
          warning={rotated}
          confirm="Make a new one"
          act={() => rotateServerKey(kind)}
          done={() => {
            rereadKeys();
            return 'A new one is made.';
          }}
        />
      )}
    </section>
  );
}

const CART_COLUMNS: readonly Column<CartKeys>[] = [
  { head: 'Cart', kind: 'lead', cell: ({ id, cart }) => <a href={hrefOf({ page: 'station', id, q: '' })}>{cart}</a> },
  { head: 'Badge key and PIN pepper', kind: 'wide', cell: ({ current }) => (current ? 'keeps the newest' : <strong>keeps older ones</strong>) },
  {
    head: 'Ledger key',
    cell: ({ id, cart }) => (
      <ConfirmedButton
        words="Replace it"
        about={`at ${cart}`}
        warning={`${cart} gives its ledger a new key when it next hears of this; the old key signs the change. Nobody has to wait.`}
        confirm="Replace its ledger key"
        act={() => rotateLedgerKey(id)}
        done={() => `Asked for. ${cart} records it when it is done.`}
      />
    ),
  },
];
