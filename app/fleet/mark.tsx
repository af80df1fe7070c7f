/** The product's name beside two bays, one filled. */
export function Mark() {
  return (
    <a className="mark" href="#/">
      <svg viewBox="0 0 26 26" width="26" height="26" aria-hidden="true">
        <rect x="1.5" y="1.5" width="9" height="19" rx="2.5" className="mark-full" />
        <rect x="14.5" y="1.5" width="9" height="19" rx="2.5" className="mark-open" />
        <path d="M0 24.5h25" className="mark-shelf" />
      </svg>
      Dockward
    </a>
  );
}
