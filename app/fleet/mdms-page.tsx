import { useState } from 'react';
import type { MdmKind, MdmSettings, MdmsView } from '../contract/mdm.ts';
import { AsOf } from './as-of.tsx';
import { ConfirmedButton } from './confirmed-button.tsx';
import { Contact } from './contact.tsx';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { Facts } from './facts.tsx';
import { isLost } from './feed.ts';
import { removeMdm } from './mdm-api.ts';
import { MdmForm } from './mdm-form.tsx';
import { refreshNow } from './refresh.ts';
import { useFleet } from './store.ts';
import { dateOf, instant, timeOfDay } from './times.ts';
import { GRADE_WORDS, MDM_ACT_WORDS, MDM_PURPOSE_WORDS, MDM_WORDS, tabletsOf } from './words.ts';

type Mdm = MdmsView['mdms'][number];
type Day = Mdm['days'][number];
type Change = MdmsView['changes'][number];

/** For administrators: what wipes the tablets, how it answers, and setting it. No credential is ever shown. */
export function MdmsPage() {
  const feed = useFleet((state) => state.mdms);
  const fleet = useFleet((state) => state.fleet);
  return (
    <section className="list" aria-labelledby="mdms">
      <div className="list-head">
        <h1 id="mdms" tabIndex={-1}>
          Tablet management
        </h1>
        <AsOf held={feed.held} />
      </div>
      <p className="quiet">An MDM wipes the tablets and enrols them anew. Its credential stays on the server: it is shown nowhere, and no cart has it.</p>
      {!isLost(fleet) && <Contact feed={feed} />}
      {feed.held === undefined ? !isLost(feed) && <p className="quiet">Reading how they answer…</p> : <Mdms view={feed.held.value} />}
    </section>
  );
}

function Mdms({ view: { mdms, idle, free, changes } }: { view: MdmsView }) {
  return (
    <>
      {mdms.map((mdm) => (
        <MdmSheet key={mdm.platform} mdm={mdm} />
      ))}
      {idle.map((one) => (
        <IdleSheet key={one.kind} idle={one} />
      ))}
      {free.filter(({ kind }) => !idle.some((one) => one.kind === kind)).map((one) => (
        <FreeSheet key={one.kind} free={one} />
      ))}
      {changes.length > 0 && (
        <section className="list" aria-labelledby="mdm-changes">
          <h2 id="mdm-changes">What was changed here</h2>
          <DataTable labelledBy="mdm-changes" columns={CHANGE_COLUMNS} rows={changes} keyOf={({ at, kind }) => `${at} ${kind}`} />
        </section>
      )}
    </>
  );
}

function MdmSheet({ mdm }: { mdm: Mdm }) {
  const { platform, name, source, settings, set, maximumGrade, never, tablets, underWay, credential, days } = mdm;
  const [editing, setEditing] = useState(false);
  const title = settings === undefined ? name : MDM_WORDS[settings.kind].name;
  const heading = `mdm-${platform}`;
  return (
    <section className="mdm" aria-labelledby={heading}>
      <div className="mdm-head">
        <h2 id={heading}>{title}</h2>
        <span className="quiet">
          {tablets === 0 ? `No ${tabletsOf(platform, 2)} yet` : `${tablets} ${tabletsOf(platform, tablets)}`}
          {underWay > 0 && `, ${underWay === 1 ? 'one wipe' : `${underWay} wipes`} under way`}
        </span>
      </div>
      <LastRequest mdm={mdm} />
      <div className="mdm-body">
        <Facts
          facts={[
            ['It can show', `${GRADE_WORDS[maximumGrade]} (${maximumGrade})`],
            ['It can never show', <NeverShown key="never" never={never} />],
            ...(settings === undefined ? [] : settingFacts(settings)),
            ...(credential === undefined ? [] : [['Credential', <CredentialName key="credential" credential={credential} given={set !== undefined} />] as const]),
            ...(set === undefined ? [] : [['Set', `by ${set.by}, ${dateOf(set.at)}`] as const]),
          ]}
        />
        {days.length > 0 && (
          <div>
            <h3 id={`${heading}-days`}>Uses of its credentials</h3>
            <DataTable labelledBy={`${heading}-days`} columns={new Set(days.map((day) => day.name)).size > 1 ? DAY_COLUMNS : DAY_COLUMNS.filter(({ kind }) => kind !== 'wide')} rows={days} keyOf={({ day, name }) => `${day} ${name}`} />
          </div>
        )}
      </div>
      {source === 'file' || settings === undefined ? (
        <p className="quiet">The file given at the start of the server (--mdm) sets it. To change it, change the file and start the server again.</p>
      ) : editing ? (
        <MdmForm kind={settings.kind} before={settings} underWay={underWay} onDone={() => setEditing(false)} />
      ) : (
        <div className="mdm-do">
          <button type="button" className="plain" onClick={() => setEditing(true)}>
            Change it<span className="unseen"> ({title})</span>
          </button>
          <Remove kind={settings.kind} warning={`${title} is not asked any more, and its credential is forgotten here. ${tabletsOf(platform, 2)} that come back wait until another MDM can wipe them.`} />
        </div>
      )}
    </section>
  );
}

function LastRequest({ mdm: { lastRequest } }: { mdm: Mdm }) {
  const now = useFleet((state) => state.mdms.held?.asOf ?? '');
  if (lastRequest === undefined) return <p className="quiet">It was not asked for anything in the last two weeks.</p>;
  const { at, purpose, answered, words, toDo } = lastRequest;
  return (
    <div className={answered ? 'mdm-last' : 'answer'}>
      <p>
        <strong>{words.slice(0, 1).toUpperCase() + words.slice(1)}</strong> at {timeOfDay(at, now)}, when asked for {MDM_PURPOSE_WORDS[purpose] ?? purpose}.
      </p>
      {toDo !== undefined && <p>{toDo}</p>}
    </div>
  );
}

function NeverShown({ never }: { never: Mdm['never'] }) {
  if (never.length === 0) return 'nothing that a policy can ask';
  return (
    <ul className="plain-list">
      {never.map(({ leaf, words }) => (
        <li key={leaf}>that {words}</li>
      ))}
    </ul>
  );
}

function CredentialName({ credential: { name, since }, given }: { credential: NonNullable<Mdm['credential']>; given: boolean }) {
  return (
    <>
      <span className="mdm-name">{name}</span>
      {since !== undefined && (
        <span className="under">
          {given ? 'in use since' : 'first used'} {instant(since)}
        </span>
      )}
    </>
  );
}

/** A hospital's settings by their names; a declaration says what it means. */
function settingFacts(settings: MdmSettings): readonly (readonly [string, string])[] {
  if (settings.kind === 'amapi') {
    const { enterprise, baseUrl, securityPatchFloor, ordersUpdates, notifications } = settings;
    return [
      ['Enterprise', enterprise],
      ...(securityPatchFloor === undefined ? [] : [['Oldest security patch', securityPatchFloor] as const]),
      ['System updates', ordersUpdates ? 'at night, when a cart asks for one' : 'not ordered'],
      ...(baseUrl === undefined ? [] : [['Address', `${baseUrl}, not Google’s: a double for trials`] as const]),
      ...(notifications === undefined ? [] : [['Tells by itself', `to ${notifications.audience}, signed for ${notifications.pushAccount}`] as const]),
    ];
  }
  return [
    ['Address', settings.baseUrl],
    ['Oldest iPadOS', settings.osFloor],
    ['Ward profiles', Object.entries(settings.profiles).map(([ward, { profile, applications }]) => `${ward}: ${profile}${applications.length === 0 ? '' : ` with ${applications.join(', ')}`}`).join('; ') || 'none: no iPad can become ready'],
    ['Declared', [settings.pinsOneCertificate ? 'one certificate for each tablet' : 'every certificate stays good', settings.grantsPasscodeRemoval ? 'passcodes can be removed' : 'passcodes cannot be removed', settings.eraseEndsJailbreak ? 'an erase ends a jailbreak' : 'an erase does not end a jailbreak'].join('; ')],
  ];
}

function IdleSheet({ idle: { kind, set, why } }: { idle: MdmsView['idle'][number] }) {
  const [editing, setEditing] = useState(false);
  const { name } = MDM_WORDS[kind];
  return (
    <section className="mdm" aria-labelledby={`idle-${kind}`}>
      <h2 id={`idle-${kind}`}>{name}, not in use</h2>
      <p className="answer">{why}</p>
      <p className="quiet">
        Set by {set.by}, {dateOf(set.at)}.
      </p>
      {editing ? (
        <MdmForm kind={kind} underWay={0} onDone={() => setEditing(false)} />
      ) : (
        <div className="mdm-do">
          <button type="button" className="plain" onClick={() => setEditing(true)}>
            Set it anew<span className="unseen"> ({name})</span>
          </button>
          <Remove kind={kind} warning="What was set here is forgotten. What is in use stays as it is." />
        </div>
      )}
    </section>
  );
}

function FreeSheet({ free: { kind, platform, tablets } }: { free: MdmsView['free'][number] }) {
  const [editing, setEditing] = useState(false);
  const { name } = MDM_WORDS[kind];
  return (
    <section className="mdm" aria-labelledby={`free-${kind}`}>
      <h2 id={`free-${kind}`}>{tabletsOf(platform, 2)}</h2>
      {tablets > 0 ? (
        <p className="answer">
          <strong>{tablets === 1 ? 'One has' : `${tablets} have`} no MDM.</strong> {tablets === 1 ? 'It waits' : 'They wait'} for a wipe that nobody can order.
        </p>
      ) : (
        <p className="quiet">There are none, and no MDM for them.</p>
      )}
      {editing ? (
        <MdmForm kind={kind} underWay={0} onDone={() => setEditing(false)} />
      ) : (
        <div className="mdm-do">
          <button type="button" className={tablets > 0 ? 'primary' : 'plain'} onClick={() => setEditing(true)}>
            Add {name}
          </button>
        </div>
      )}
    </section>
  );
}

function Remove({ kind, warning }: { kind: MdmKind; warning: string }) {
  return (
    <ConfirmedButton
      words="Remove it"
      about={`(${MDM_WORDS[kind].name})`}
      warning={warning}
      confirm="Remove it"
      act={() => removeMdm(kind)}
      done={() => {
        void refreshNow();
        return 'Removed.';
      }}
    />
  );
}

const DAY_COLUMNS: readonly Column<Day>[] = [
  { head: 'Day', kind: 'lead', cell: ({ day }) => dateOf(day) },
  { head: 'Credential', kind: 'wide', cell: ({ name }) => <span className="mdm-name">{name}</span> },
  { head: 'Accepted', kind: 'number', cell: ({ accepted }) => accepted.toLocaleString('en-GB') },
  { head: 'Not accepted', kind: 'number', cell: ({ refused }) => (refused === 0 ? <span className="none">–</span> : <strong>{refused.toLocaleString('en-GB')}</strong>) },
];

const CHANGE_COLUMNS: readonly Column<Change>[] = [
  { head: 'When', kind: 'lead', cell: ({ at }) => instant(at) },
  { head: 'Who', cell: ({ by }) => by },
  { head: 'What', cell: ({ kind, act, credential }) => `${MDM_WORDS[kind].name} ${MDM_ACT_WORDS[act]}${act === 'changed' && credential ? ', with a new credential' : ''}` },
  { head: 'To', kind: 'wide', cell: ({ act, settings }) => (act === 'removed' ? <span className="none">–</span> : <span className="mdm-name">{settings.kind === 'amapi' ? settings.enterprise : settings.baseUrl}</span>) },
];
