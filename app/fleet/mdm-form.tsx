import { useState } from 'react';
import { mdmOrder } from '../contract/mdm.ts';
import type { MdmKind, MdmOrder, MdmSettings, MdmTried } from '../contract/mdm.ts';
import type { Refusal } from './api.ts';
import { whatHappened } from './contact.tsx';
import { AmapiFields, amapiOrder, NanomdmFields, nanomdmOrder } from './mdm-fields.tsx';
import { tryMdm, useMdm } from './mdm-api.ts';
import { refreshNow } from './refresh.ts';
import { MDM_WORDS } from './words.ts';

interface MdmFormProps {
  readonly kind: MdmKind;
  /** As it is set now: what is left empty of its secrets stays. */
  readonly before?: MdmSettings;
  readonly underWay: number;
  readonly onDone: () => void;
}

type Step = { readonly step: 'filling' } | { readonly step: 'busy' } | { readonly step: 'tried'; readonly order: MdmOrder; readonly answer: MdmTried };

/** Sets an MDM: it has to answer one harmless request before it can be used. What is used is what was tried. */
export function MdmForm({ kind, before, underWay, onDone }: MdmFormProps) {
  const [state, setState] = useState<Step>({ step: 'filling' });
  const [said, setSaid] = useState<string>();
  const { name } = MDM_WORDS[kind];
  const ready = state.step === 'tried' && state.answer.answered ? state : undefined;

  const attempt = async (form: FormData) => {
    setState({ step: 'busy' });
    const read = await (kind === 'amapi' ? amapiOrder(form, before?.kind === 'amapi' ? before : undefined) : nanomdmOrder(form));
    const order = mdmOrder.safeParse(read);
    if (!order.success) {
      const [issue] = order.error.issues;
      setState({ step: 'filling' });
      setSaid(`One field is not right yet (${issue?.path.slice(1).join(', ') ?? ''}): ${issue?.message ?? 'not valid'}.`);
      return;
    }
    const answer = await tryMdm(order.data);
    setState(answer.ok ? { step: 'tried', order: order.data, answer: answer.value } : { step: 'filling' });
    setSaid(answer.ok ? answer.value.message : wordsFor(answer.refusal));
  };
  const use = async (order: MdmOrder) => {
    setState({ step: 'busy' });
    const answer = await useMdm(order);
    setState({ step: 'filling' });
    setSaid(answer.ok ? undefined : wordsFor(answer.refusal));
    if (!answer.ok) return;
    onDone();
    void refreshNow();
  };

  return (
    <form
      className="mdm-form"
      aria-label={before === undefined ? `Add ${name}` : `Change ${name}`}
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt(new FormData(event.currentTarget));
      }}
      onChange={() => {
        // What was tried is not what stands there any more.
        setState({ step: 'filling' });
        setSaid(undefined);
      }}
    >
      {kind === 'amapi' ? <AmapiFields before={before?.kind === 'amapi' ? before : undefined} /> : <NanomdmFields before={before?.kind === 'nanomdm' ? before : undefined} />}
      <p role="status" className={said === undefined ? '' : ready ? 'mdm-answered' : 'answer'}>
        {state.step === 'busy' ? `Asking ${name}…` : said}
      </p>
      {ready && (
        <p>
          {before === undefined ? 'From then on it is asked for every wipe.' : 'It takes the place of the present one at once.'} {underWay > 0 && before !== undefined && underWayWords(underWay, isElsewhere(before, ready.order.settings))}
        </p>
      )}
      <div className="mdm-do">
        <button type="submit" className={ready ? 'plain' : 'primary'} disabled={state.step === 'busy'}>
          Try it
        </button>
        <button type="button" className={ready ? 'primary' : 'plain'} disabled={ready === undefined} onClick={() => ready && void use(ready.order)}>
          Use it
        </button>
        <button type="button" className="plain" disabled={state.step === 'busy'} onClick={onDone}>
          Leave it
        </button>
      </div>
    </form>
  );
}

const isElsewhere = (before: MdmSettings, after: MdmSettings): boolean => before.baseUrl !== after.baseUrl || (before.kind === 'amapi' && after.kind === 'amapi' && before.enterprise !== after.enterprise);

function underWayWords(count: number, elsewhere: boolean): string {
  const wipes = count === 1 ? 'The wipe under way' : `The ${count} wipes under way`;
  if (elsewhere) return `${wipes} ${count === 1 ? 'was' : 'were'} ordered from another one and cannot be proven through this: wait for ${count === 1 ? 'it' : 'them'}, if you can.`;
  return `${wipes} ${count === 1 ? 'goes' : 'go'} on with it; nothing is wiped twice.`;
}

function wordsFor(refusal: Refusal): string {
  return refusal.kind === 'unreachable' ? 'The server does not answer. Look again in a moment whether anything was changed.' : whatHappened(refusal);
}
