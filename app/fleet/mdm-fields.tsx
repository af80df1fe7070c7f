import { useState } from 'react';
import type { amapiSettings, MdmSettings, nanomdmSettings } from '../contract/mdm.ts';
import type { z } from 'zod';

type Amapi = z.infer<typeof amapiSettings>;
type Nanomdm = z.infer<typeof nanomdmSettings>;

const typed = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

function chosen(form: FormData, name: string): File | undefined {
  const file = form.get(name);
  return file instanceof File && file.size > 0 ? file : undefined;
}

async function base64(file: File): Promise<string> {
  return btoa(Array.from(new Uint8Array(await file.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
}

const filled = (secrets: Readonly<Record<string, string | undefined>>): Record<string, string> => Object.fromEntries(Object.entries(secrets).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])));

/** What the form says, not judged yet. Another address than the vendor's, which only a file or a trial sets, stays. */
export async function amapiOrder(form: FormData, before: Amapi | undefined): Promise<unknown> {
  const [floor, audience, pushAccount] = ['securityPatchFloor', 'audience', 'pushAccount'].map((name) => typed(form, name));
  const file = chosen(form, 'serviceAccountFile');
  return {
    kind: 'amapi',
    settings: {
      kind: 'amapi',
      enterprise: typed(form, 'enterprise'),
      ...(before?.baseUrl === undefined ? {} : { baseUrl: before.baseUrl }),
      ...(form.has('ordersUpdates') ? { ordersUpdates: true } : {}),
      ...(floor === '' ? {} : { securityPatchFloor: floor }),
      ...(audience === '' && pushAccount === '' ? {} : { notifications: { audience, pushAccount } }),
    },
    secrets: filled({ serviceAccount: file === undefined ? typed(form, 'serviceAccount') : await file.text() }),
  };
}

export async function nanomdmOrder(form: FormData): Promise<unknown> {
  const [wifi, mdm] = [chosen(form, 'wifiProfile'), chosen(form, 'mdmProfile')];
  const [wards, profiles, applications] = ['ward', 'profile', 'applications'].map((name) => form.getAll(name).map((value) => String(value).trim()));
  const named = (wards ?? []).flatMap((ward, at) => (ward === '' ? [] : [[ward, { profile: profiles?.[at] ?? '', applications: (applications?.[at] ?? '').split(/[\s,]+/).filter((one) => one !== '') }] as const]));
  return {
    kind: 'nanomdm',
    settings: {
      kind: 'nanomdm',
      baseUrl: typed(form, 'baseUrl'),
      profiles: Object.fromEntries(named),
      osFloor: typed(form, 'osFloor'),
      pinsOneCertificate: form.has('pinsOneCertificate'),
      grantsPasscodeRemoval: form.has('grantsPasscodeRemoval'),
      eraseEndsJailbreak: form.has('eraseEndsJailbreak'),
    },
    secrets: filled({ apiKey: typed(form, 'apiKey'), webhookKey: typed(form, 'webhookKey'), wifiProfile: wifi && (await base64(wifi)), mdmProfile: mdm && (await base64(mdm)) }),
  };
}

function Kept({ before }: { before: MdmSettings | undefined }) {
  return before === undefined ? null : <span className="under">Leave it empty to keep the present one.</span>;
}

export function AmapiFields({ before }: { before: Amapi | undefined }) {
  return (
    <>
      <label>
        Enterprise id
        <input name="enterprise" required maxLength={100} defaultValue={before?.enterprise} placeholder="LC0…" spellCheck={false} />
      </label>
      <div className="mdm-pair">
        <label>
          Key of the service account, its JSON file
          <input name="serviceAccountFile" type="file" accept=".json,application/json" />
          <Kept before={before} />
        </label>
        <label>
          or its text
          <textarea name="serviceAccount" rows={2} maxLength={20_000} spellCheck={false} autoComplete="off" />
        </label>
      </div>
      <label>
        Oldest security patch that is good enough
        <input name="securityPatchFloor" type="date" className="mdm-short" defaultValue={before?.securityPatchFloor} />
      </label>
      <Declared name="ordersUpdates" checked={before?.ordersUpdates} words="Carts may have tablets updated at night, under the policy’s variant for updates." otherwise="Otherwise no update is ordered." />
      <details className="mdm-more" open={before?.notifications !== undefined}>
        <summary>It tells of changes by itself (Pub/Sub)</summary>
        <div className="mdm-pair">
          <label>
            Audience of the subscription
            <input name="audience" maxLength={200} defaultValue={before?.notifications?.audience} spellCheck={false} />
          </label>
          <label>
            Account that signs
            <input name="pushAccount" maxLength={200} defaultValue={before?.notifications?.pushAccount} spellCheck={false} />
          </label>
        </div>
      </details>
    </>
  );
}

export function NanomdmFields({ before }: { before: Nanomdm | undefined }) {
  return (
    <>
      <label>
        Address
        <input name="baseUrl" type="url" required maxLength={300} defaultValue={before?.baseUrl} placeholder="https://mdm.example.org" spellCheck={false} />
      </label>
      <div className="mdm-pair">
        <label>
          API key (-api)
          <input name="apiKey" type="password" required={before === undefined} maxLength={1000} autoComplete="off" />
          <Kept before={before} />
        </label>
        <label>
          Webhook key (-webhook-hmac-key)
          <input name="webhookKey" type="password" required={before === undefined} maxLength={1000} autoComplete="off" />
          <Kept before={before} />
        </label>
      </div>
      <WardProfiles before={before} />
      <label>
        Oldest iPadOS that is good enough
        <input name="osFloor" className="mdm-short" required maxLength={20} pattern="\d+(\.\d+)*" defaultValue={before?.osFloor} placeholder="18.1" />
      </label>
      <div className="mdm-pair">
        <label>
          Wi-Fi profile that a wiped iPad gets
          <input name="wifiProfile" type="file" accept=".mobileconfig" />
          <Kept before={before} />
        </label>
        <label>
          Enrolment profile, where it needs one
          <input name="mdmProfile" type="file" accept=".mobileconfig" />
          <Kept before={before} />
        </label>
      </div>
      <fieldset>
        <legend>What holds of this NanoMDM</legend>
        <Declared name="pinsOneCertificate" checked={before?.pinsOneCertificate} words="It keeps one certificate for each tablet (storage filekv, file or inmem)." otherwise="Otherwise nothing shows that old credentials are dead." />
        <Declared name="eraseEndsJailbreak" checked={before?.eraseEndsJailbreak} words="The hospital takes an erased iPad to be free of a jailbreak." otherwise="Otherwise nothing shows that its system is not altered." />
        <Declared name="grantsPasscodeRemoval" checked={before?.grantsPasscodeRemoval} words="Its enrolment profile grants the right to remove passcodes." otherwise="Then nothing shows that nobody keeps a way to unlock it." />
      </fieldset>
    </>
  );
}

function Declared({ name, checked, words, otherwise }: { name: string; checked: boolean | undefined; words: string; otherwise: string }) {
  return (
    <label className="mdm-declared">
      <input type="checkbox" name={name} defaultChecked={checked} />
      <span>
        {words}
        <span className="under">{otherwise}</span>
      </span>
    </label>
  );
}

/** One row for each profile that the directory gives tablets. */
function WardProfiles({ before }: { before: Nanomdm | undefined }) {
  const known = Object.entries(before?.profiles ?? {});
  const [rows, setRows] = useState(Math.max(1, known.length));
  return (
    <fieldset>
      <legend>What a ward’s iPad must show</legend>
      {Array.from({ length: rows }, (_, at) => {
        const [ward, wanted] = known[at] ?? [];
        return (
          <div key={at} className="mdm-ward">
            <label>
              Profile in the directory
              <input name="ward" maxLength={200} defaultValue={ward} placeholder="ward-7-east" spellCheck={false} />
            </label>
            <label>
              Configuration profile
              <input name="profile" maxLength={200} defaultValue={wanted?.profile} placeholder="org.example.ward" spellCheck={false} />
            </label>
            <label>
              Applications
              <input name="applications" defaultValue={wanted?.applications.join(' ')} placeholder="org.example.chart org.example.call" spellCheck={false} />
            </label>
          </div>
        );
      })}
      <button type="button" className="plain" onClick={() => setRows(rows + 1)}>
        Another profile
      </button>
    </fieldset>
  );
}
