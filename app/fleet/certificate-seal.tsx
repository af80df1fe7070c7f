/** Filled and ticked: the server's witness has signed too. A broken ring: the cart alone vouches. */
export function Seal({ standing }: { standing: 'provisional' | 'cosigned' }) {
  return (
    <svg className="seal" data-standing={standing} viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="10" />
      {standing === 'cosigned' && <path d="M7 12.5l3.5 3.5L17 9" />}
    </svg>
  );
}
